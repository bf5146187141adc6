/** Every sentence of ours that people read, in one place, ready for translation. */
import { TranslationBundle } from '@jupyterlab/translation';

export type Strings = ReturnType<typeof strings>;

/** Return all strings in the language of `trans`. */
// eslint-disable-next-line @typescript-eslint/explicit-function-return-type
export function strings(trans: TranslationBundle) {
  return {
    labs: trans.__('Labs'),
    menu: {
      publish: trans.__('Publish as lab…'),
      publishCaption: trans.__('Publish this notebook or its folder as a lab'),
      run: trans.__('Run on…'),
      runCaption: trans.__(
        'Run this lab from top to bottom in a container of its own'
      ),
      openPage: trans.__('Open the page of this lab'),
      update: trans.__('Update this lab from its original…'),
      undoUpdate: trans.__('Undo the last update of this lab'),
      propose: trans.__('Propose changes to the original…'),
      history: trans.__('Show the history of this lab'),
      showPanel: trans.__('Show labs'),
      resetPackages: trans.__('Reset installed packages…')
    },
    panel: {
      mine: trans.__('Mine'),
      explore: trans.__('Explore'),
      recent: trans.__('Recent'),
      search: trans.__('Search labs'),
      loading: trans.__('Loading labs'),
      more: trans.__('More'),
      retry: trans.__('Try again'),
      refresh: trans.__('Refresh'),
      open: trans.__('Open'),
      openCaption: (lab: string) =>
        trans.__('Put the files of %1 here and open them', lab),
      fork: trans.__('Fork and open'),
      forkCaption: (lab: string) =>
        trans.__('Make a copy of %1 that is yours, and open it here', lab),
      page: trans.__('Open page'),
      pageCaption: (lab: string) =>
        trans.__('Show the page of %1 in a new tab', lab),
      opening: (lab: string) => trans.__('Opening %1…', lab),
      noMine: trans.__(
        'You have published no lab yet. Open a notebook and publish it: others can then read, fork and run it.'
      ),
      noOf: (group: string) =>
        trans.__(
          '%1 has no lab yet. Open a notebook, publish it, and choose this owner.',
          group
        ),
      owner: trans.__('Whose labs'),
      publishOpen: trans.__('Publish the open notebook…'),
      noFound: (query: string) =>
        query
          ? trans.__('No lab fits “%1”. Try fewer or other words.', query)
          : trans.__(
              'No lab has been published here yet. Yours can be the first.'
            ),
      noRecent: trans.__('Labs that you open or publish are listed here.'),
      exploreAll: trans.__('Explore labs'),
      forks: (count: number) => trans._n('%1 fork', '%1 forks', count),
      stars: (count: number) => trans._n('%1 star', '%1 stars', count),
      notConnected: trans.__(
        'This server does not belong to a MachineLabs site, so there are no labs here.'
      )
    },
    visibility: {
      public: trans.__('Public'),
      unlisted: trans.__('Unlisted'),
      'signed-in': trans.__('Signed-in'),
      private: trans.__('Private'),
      publicHint: trans.__(
        'Everyone can find and read it, without signing in.'
      ),
      unlistedHint: trans.__(
        'Whoever has the link can read it. It is in no list.'
      ),
      signedInHint: trans.__('Everyone who is signed in can find and read it.'),
      privateHint: trans.__(
        'Only its owner and whom it is shared with can see it.'
      )
    },
    run: {
      title: (lab: string, revision: number) =>
        trans.__('Run r%2 of %1', lab, revision),
      file: trans.__('What'),
      image: trans.__('Image'),
      flavour: trans.__('Size'),
      parameters: trans.__('Parameters'),
      none: trans.__('It takes no parameters.'),
      run: trans.__('Run'),
      looking: trans.__('Looking at the lab…'),
      unpublished: (count: number, revision: number) =>
        trans._n(
          '%1 file here differs from r%2. A run executes r%2 as it is published.',
          '%1 files here differ from r%2. A run executes r%2 as it is published.',
          count,
          revision
        ),
      unsaved: (revision: number) =>
        trans.__(
          'What you did not save is not in r%1. A run executes r%1 as it is published.',
          revision
        ),
      publishFirst: trans.__('Publish first…'),
      noLab: trans.__('Publish it first'),
      noLabWhy: trans.__(
        'A run executes a published revision, in a container of its own. These files are of no lab yet.'
      ),
      ordered: (run: string) =>
        trans.__('%1 is ordered. You need not wait here.', run),
      watch: trans.__('Watch it')
    },
    publish: {
      newTitle: trans.__('Publish as lab'),
      againTitle: (lab: string, revision: number) =>
        trans.__('Publish r%1 of %2', revision, lab),
      forkTitle: (lab: string) => trans.__('Publish your fork of %1', lab),
      forkAndPublish: trans.__('Fork and publish'),
      what: trans.__('What'),
      notebookAlone: (name: string) => trans.__('Only %1', name),
      wholeFolder: (name: string) => trans.__('The whole folder %1', name),
      title: trans.__('Title'),
      owner: trans.__('Owner'),
      ownerHint: trans.__('Everybody in a group owns its labs.'),
      name: trans.__('Name'),
      nameHint: (address: string) => trans.__('Its address: %1', address),
      description: trans.__('Description'),
      descriptionHint: trans.__('One line that says what it is about.'),
      tags: trans.__('Tags'),
      tagsHint: trans.__('Words, separated by commas.'),
      visibility: trans.__('Who may see it'),
      licence: trans.__('Licence'),
      outputs: trans.__('Outputs of cells'),
      keep: trans.__('Keep them'),
      strip: trans.__('Leave them out'),
      message: trans.__('What changed'),
      messageHint: trans.__(
        'A line for the list of revisions; may stay empty.'
      ),
      files: (count: number, size: string) =>
        trans._n('%1 file, %2', '%1 files, %2', count, size),
      leaving: trans.__('These files are published'),
      leftOut: (count: number) =>
        trans._n('%1 entry stays here', '%1 entries stay here', count),
      reasons: {
        hidden: trans.__('hidden'),
        cache: trans.__('cache'),
        ignored: trans.__('in .gitignore or .mlignore'),
        special: trans.__('not a file')
      } as { [reason: string]: string },
      looking: trans.__('Looking through the files…'),
      publish: trans.__('Publish'),
      publishRevision: (revision: number) => trans.__('Publish r%1', revision),
      cancel: trans.__('Cancel'),
      asNew: trans.__('Publish as a new lab instead'),
      catchUp: trans.__('Update…'),
      notYours: (lab: string) =>
        trans.__(
          '%1 is not yours. Publishing makes a fork of it in your labs first; the original stays as it is.',
          lab
        ),
      progress: (what: string, percent: number) =>
        trans.__('Publishing %1: %2 %', what, percent),
      published: (lab: string, revision: number) =>
        trans.__('Published %1 as r%2.', lab, revision),
      unchanged: (lab: string, revision: number) =>
        trans.__(
          'Nothing changed since r%1 of %2, so nothing was published.',
          revision,
          lab
        ),
      page: trans.__('Open page'),
      copyLink: trans.__('Copy link'),
      nothing: trans.__('Open a notebook or choose a file or a folder first.'),
      badName: trans.__(
        'Use lower-case letters, digits and hyphens, not beginning or ending with a hyphen.'
      )
    },
    status: {
      changed: (count: number) => trans._n('%1 changed', '%1 changed', count),
      newer: (revision: number) => trans.__('r%1 is newer: Update…', revision),
      caption: (lab: string) =>
        trans.__(
          'How the files here stand to %1. Click to publish what changed.',
          lab
        ),
      originalNewer: (revision: number) =>
        trans.__('r%1 of the original is newer: Update…', revision),
      updateCaption: trans.__(
        'See what would change in your files, then take it over'
      ),
      sameTitle: (lab: string, revision: number) =>
        trans.__('%1 · r%2', lab, revision),
      same: trans.__('Your files are those of this revision.'),
      close: trans.__('Close')
    },
    update: {
      title: (lab: string, theirs: string, revision: number) =>
        lab === theirs
          ? trans.__('Update to r%1 of %2', revision, lab)
          : trans.__('Update %1 with r%2 of %3', lab, revision, theirs),
      since: (theirs: string, base: number, to: number) =>
        trans.__('What %1 changed from r%2 to r%3:', theirs, base, to),
      files: trans.__('Files that change here'),
      changes: {
        added: trans.__('new'),
        changed: trans.__('changed'),
        removed: trans.__('removed'),
        merged: trans.__('merged with yours'),
        conflict: trans.__('both kept'),
        kept: trans.__('yours stays')
      } as { [change: string]: string },
      places: (count: number) =>
        trans._n('%1 place to decide', '%1 places to decide', count),
      willMark: (count: number) =>
        trans._n(
          'You and they changed the same in %1 place. It will hold both, marked, for you to decide.',
          'You and they changed the same in %1 places. They will hold both, marked, for you to decide.',
          count
        ),
      safe: trans.__(
        'Nothing of yours is lost, and you can undo it afterwards.'
      ),
      update: trans.__('Update'),
      nothing: (theirs: string, revision: number) =>
        trans.__('Your files hold all of r%1 of %2 already.', revision, theirs),
      done: (theirs: string, revision: number) =>
        trans.__('Your files now hold r%1 of %2.', revision, theirs),
      doneMarked: (theirs: string, revision: number, count: number) =>
        trans._n(
          'Your files now hold r%2 of %3. %1 place holds both sides, marked: keep what you want of it.',
          'Your files now hold r%2 of %3. %1 places hold both sides, marked: keep what you want of them.',
          count,
          revision,
          theirs
        ),
      beside: (paths: string[]) =>
        trans.__('Laid beside yours: %1.', shorten(paths)),
      undo: trans.__('Undo'),
      showMarked: trans.__('Show'),
      undone: (revision: number) =>
        trans.__('Your files are as they were before r%1 came in.', revision),
      undoneAside: (revision: number, paths: string[]) =>
        trans.__(
          'Your files are as they were before r%1 came in. What you had edited since is kept here: %2.',
          revision,
          shorten(paths)
        ),
      saveFirst: (paths: string[]) =>
        trans.__(
          'Save %1 first: it could not be saved, and nothing was changed.',
          shorten(paths)
        )
    },
    packages: {
      offer: (missing: string[]) =>
        trans.__(
          'This lab needs packages that are not here: %1.',
          shorten(missing)
        ),
      install: trans.__('Install'),
      notNow: trans.__('Not now'),
      installing: trans.__('Installing packages…'),
      installed: trans.__(
        'Installed. Packages stay in your home; restart the kernel to use them.'
      ),
      restart: trans.__('Restart kernel'),
      log: trans.__('Show log'),
      logTitle: trans.__('What pip said'),
      resetTitle: trans.__('Reset installed packages?'),
      reset: trans.__(
        'All packages that you installed with pip are moved aside, into a folder of your home. The packages of the image stay.'
      ),
      resetButton: trans.__('Reset'),
      wasReset: (where: string) =>
        trans.__(
          'Your packages are now in %1. Restart your kernels. To have them back, move the folders in it to ~/.local.',
          where
        )
    },
    notices: {
      left: (minutes: number) =>
        trans._n('%1 minute is left.', '%1 minutes are left.', minutes),
      keep: trans.__('Keep it'),
      stopNow: trans.__('Save and stop now'),
      saving: trans.__(
        'This server stops now. What is open is being saved, with what your kernels have put out.'
      )
    },
    gpu: {
      title: trans.__('The GPU of this server'),
      caption: trans.__('What this server does on its GPU. Click for plots.'),
      item: (percent: number | null, used: number | null, part: number) =>
        [
          percent === null
            ? trans.__('GPU')
            : trans.__('GPU %1 %', Math.round(percent)),
          used === null
            ? trans.__('%1 GiB', gib(part))
            : trans.__('%1 of %2 GiB', gib(used), gib(part))
        ].join(' · '),
      part: (share: number, part: number, all: number) =>
        share === 1
          ? trans.__('All of it is yours: %1 GiB', gib(all))
          : trans.__('1/%1 is yours: %2 of %3 GiB', share, gib(part), gib(all)),
      computing: trans.__('Computing'),
      computingPlot: trans.__('Computing over the last 10 minutes, 0 to 100 %'),
      memory: trans.__('Memory'),
      memoryPlot: trans.__('Memory over the last 10 minutes'),
      past: trans.__('The last 10 minutes'),
      others: trans.__('Others on this card'),
      since: trans.__('Yours for'),
      left: (plan: string) => trans.__('GPU hours left (%1)', plan),
      until: trans.__('They last until'),
      percent: (value: number | null) =>
        value === null
          ? trans.__('not known')
          : trans.__('%1 %', Math.round(value)),
      size: (mib: number | null) =>
        mib === null ? trans.__('not known') : trans.__('%1 GiB', gib(mib)),
      memoryOf: (used: number | null, part: number) =>
        used === null
          ? trans.__('not known')
          : trans.__('%1 of %2 GiB', gib(used), gib(part)),
      hours: (left: number | null) =>
        left === null
          ? trans.__('no end')
          : left.toLocaleString(undefined, { maximumFractionDigits: 1 }),
      span: (since: string, now: number) => {
        const minutes = Math.max(
          0,
          Math.floor((now - Date.parse(since)) / 6e4)
        );
        return minutes < 60
          ? trans.__('%1 min', minutes)
          : trans.__('%1 h %2 min', Math.floor(minutes / 60), minutes % 60);
      },
      at: (when: string) =>
        new Date(when).toLocaleString(undefined, {
          dateStyle: 'short',
          timeStyle: 'short'
        }),
      stop: trans.__('Stop and give back'),
      stopTitle: trans.__('Stop this server and give its GPU back?'),
      stopBody: trans.__(
        'What is open is saved first, with what your kernels have put out. Then kernels and terminals end. Your files stay.'
      )
    },
    idle: {
      warning: (minutes: number) =>
        trans._n(
          'This server stops in %1 minute, because nothing runs and nobody used it. Your files stay.',
          'This server stops in %1 minutes, because nothing runs and nobody used it. Your files stay.',
          minutes
        ),
      soon: trans.__(
        'This server stops now, because nothing runs and nobody used it. Your files stay.'
      ),
      keep: trans.__('Keep it'),
      kept: (minutes: number) =>
        trans._n(
          'The server stays for %1 more minute.',
          'The server stays for %1 more minutes.',
          minutes
        )
    }
  };
}

function gib(mib: number): string {
  return (mib / 1024).toLocaleString(undefined, { maximumFractionDigits: 1 });
}

function shorten(names: string[]): string {
  return names.length > 4
    ? `${names.slice(0, 4).join(', ')}, …`
    : names.join(', ');
}
