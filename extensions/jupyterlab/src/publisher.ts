/** Walks a person through publishing: dialog, progress, and what came of it. */
import { Clipboard, Dialog, Notification } from '@jupyterlab/apputils';

import { IChoices, IJob, IStanding, LabsError } from './api';
import { follow, IEnding } from './follow';
import { OpenDocuments } from './documents';
import { LabsModel } from './model';
import { tagsOf } from './names';
import { sentence } from './sentence';
import { PublishBody, PublishDialog } from './publishdialog';
import { IPublishForm } from './publishform';
import { isStale } from './standing';
import { Strings } from './strings';

const TOAST_MS = 15_000;
const FAILED_MS = 5000;

export interface IPublisherOptions {
  model: LabsModel;
  text: Strings;
  documents: OpenDocuments;
  /** Take over what was published elsewhere; resolves when that is done or not wanted. */
  catchUp: () => Promise<unknown>;
}

export class Publisher {
  constructor(private _options: IPublisherOptions) {}

  /** Publish what is at `path`: the next revision of its lab, or a new lab of it. */
  async publish(path: string): Promise<void> {
    const { model } = this._options;
    try {
      const [about, choices, standing] = await Promise.all([
        model.about,
        model.api.choices(),
        model.api.standing(path)
      ]);
      await this._options.documents.save(standing?.path ?? path);
      const form: IPublishForm = {
        again: standing !== null,
        path: standing?.path ?? path,
        title: '',
        name: '',
        owner: choices.owners[0] ?? about.user,
        description: '',
        tags: '',
        visibility: 'public',
        licence: choices.licences[0].id,
        strip: standing?.strip ?? null,
        message: ''
      };
      await this.ask(form, path, standing, {
        choices,
        address: about.public_url
      });
    } catch (reason) {
      Notification.error(sentence(reason), { autoClose: false });
    }
  }

  /** Ask until it is published or cancelled; what was typed stays over a failure. */
  private async ask(
    form: IPublishForm,
    path: string,
    standing: IStanding | null,
    site: { choices: IChoices; address: string }
  ): Promise<void> {
    const { model, text } = this._options;
    let failed = '';
    for (;;) {
      const body = new PublishBody({
        api: model.api,
        text,
        form,
        standing,
        failed,
        ...site
      });
      const dialog = new PublishDialog(body, this.frame(form, standing));
      const answer = await dialog.launch();
      if (answer.button.actions.includes('as-new')) {
        form = { ...form, again: false, path };
        failed = '';
        continue;
      }
      if (answer.button.actions.includes('catch-up')) {
        await this._options.catchUp();
        standing = await model.api.standing(form.path);
        failed = '';
        continue;
      }
      if (!answer.button.accept || answer.value === null) {
        return;
      }
      form = answer.value;
      try {
        await this._options.documents.save(form.path);
        await this.send(form, standing);
        model.labsDid();
        return;
      } catch (reason) {
        if (reason instanceof LabsError && reason.code === 'cancelled') {
          return;
        }
        failed = sentence(reason);
        // Someone else published first, or the files are another's: look where we stand now.
        standing = form.again ? await model.api.standing(form.path) : standing;
        model.refresh();
      }
    }
  }

  private frame(
    form: IPublishForm,
    standing: IStanding | null
  ): Partial<Dialog.IOptions<IPublishForm>> {
    const words = this._options.text.publish;
    const cancel = Dialog.cancelButton({ label: words.cancel });
    if (!form.again || !standing) {
      return {
        title: words.newTitle,
        buttons: [cancel, Dialog.okButton({ label: words.publish })],
        defaultButton: 1,
        hasClose: true,
        focusNodeSelector: '.jp-MachineLabs-publish input.jp-mod-styled'
      };
    }
    const next = standing.revision + 1;
    const isMine = standing.may_edit !== false;
    const asNew = Dialog.createButton({
      label: words.asNew,
      actions: ['as-new'],
      accept: false
    });
    const catchUp = Dialog.createButton({
      label: words.catchUp,
      actions: ['catch-up'],
      accept: false
    });
    return {
      title: isMine
        ? words.againTitle(standing.lab, next)
        : words.forkTitle(standing.lab),
      buttons: [
        cancel,
        isStale(standing) ? catchUp : asNew,
        Dialog.okButton({
          label: isMine ? words.publishRevision(next) : words.forkAndPublish
        })
      ],
      defaultButton: 2,
      hasClose: true,
      focusNodeSelector: '.jp-MachineLabs-publish input.jp-mod-styled'
    };
  }

  private async send(
    form: IPublishForm,
    standing: IStanding | null
  ): Promise<IJob> {
    const { api } = this._options.model;
    const words = this._options.text.publish;
    let what = form.title;
    let job: IJob;
    if (form.again && standing) {
      what = standing.lab;
      if (standing.may_edit === false) {
        what = (await api.adopt(form.path)).lab;
      }
      job = await api.revise(form.path, form.message, form.strip ?? false);
    } else {
      job = await api.publish({
        path: form.path,
        title: form.title.trim(),
        name: form.name,
        owner: form.owner,
        description: form.description.trim(),
        tags: tagsOf(form.tags),
        visibility: form.visibility,
        licence: form.licence,
        strip: form.strip ?? false
      });
    }
    return follow({
      api,
      job,
      message: share => words.progress(what, Math.round(share * 100)),
      cancel: words.cancel,
      ended: ended => this.ending(ended)
    });
  }

  private ending(job: IJob): IEnding {
    const words = this._options.text.publish;
    if (job.state !== 'done') {
      // The dialog comes back and says why a publish failed.
      const type = job.state === 'cancelled' ? 'info' : 'error';
      return { message: job.message, type, autoClose: FAILED_MS };
    }
    const { lab, revision, url, unchanged } = job.result as {
      lab: string;
      revision: number;
      url: string;
      unchanged: boolean;
    };
    return {
      message: unchanged
        ? words.unchanged(lab, revision)
        : words.published(lab, revision),
      type: unchanged ? 'info' : 'success',
      autoClose: TOAST_MS,
      actions: [
        {
          label: words.page,
          displayType: 'link',
          callback: () => void window.open(url, '_blank', 'noopener')
        },
        {
          label: words.copyLink,
          callback: () => Clipboard.copyToSystem(url)
        }
      ]
    };
  }
}
