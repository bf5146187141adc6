/** Shows what the site tells this server, and saves what is open before the server stops. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import { Poll } from '@lumino/polling';

import { INotice, INotices, LabsApi } from './api';
import { LabsModel } from './model';
import { Saves } from './saves';
import { sentence } from './sentence';
import { Strings, strings } from './strings';
import { ILabs, ISaves } from './tokens';

const SCHEMA = 'https://machinelabs.ai/jupyterlab/notices/v1';
const LOOK_EVERY_MS = 20_000;
const LOOK_EVERY_WHEN_DUE_MS = 2_000;
const DUE_SECONDS = 120;

export const notices: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:notices',
  description: 'Shows what the site tells, and saves before the server stops.',
  autoStart: true,
  requires: [ILabs, ISaves],
  optional: [IDocumentManager, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: LabsModel,
    saves: Saves,
    documents: IDocumentManager | null,
    translator: ITranslator | null
  ) => {
    const text = strings((translator ?? nullTranslator).load('machinelabs'));
    const saveAll = (): Promise<void> => saveOpen(app, documents, saves);
    model.about.then(
      about =>
        about.connected &&
        watch(app, model.api, new Shown(model.api, text, saveAll)),
      () => undefined
    );
  }
};

function watch(app: JupyterFrontEnd, api: LabsApi, shown: Shown): void {
  const poll = new Poll({
    name: 'jupyterlab-machinelabs:notices',
    factory: async () => {
      const found = await api.notices(shown.window);
      shown.show(found);
      const isDue = found.items.some(
        one => one.seconds_left !== null && one.seconds_left < DUE_SECONDS
      );
      poll.frequency = {
        ...poll.frequency,
        interval: isDue ? LOOK_EVERY_WHEN_DUE_MS : LOOK_EVERY_MS
      };
    },
    frequency: { interval: LOOK_EVERY_MS, backoff: true, max: 60_000 },
    // A hidden window may hold what nobody saved.
    standby: 'never'
  });
  // Browsers slow the clocks of hidden windows down, but not what arrives.
  app.serviceManager.events.stream.connect((_, event) => {
    if (event.schema_id === SCHEMA) {
      void poll.refresh().catch(() => undefined);
    }
  });
}

/** Save every open document that has changes; one that cannot be saved keeps nobody else. */
async function saveOpen(
  app: JupyterFrontEnd,
  documents: IDocumentManager | null,
  saves: Saves
): Promise<void> {
  const open = new Set(
    [...app.shell.widgets('main')].map(widget =>
      documents?.contextForWidget(widget)
    )
  );
  for (const context of open) {
    if (context?.model.dirty && !context.model.readOnly) {
      await saves.save(context).catch(() => undefined);
    }
  }
}

/** The notifications that are shown, one for each notice, and the answer to the last. */
class Shown {
  constructor(
    private _api: LabsApi,
    private _text: Strings,
    private _saveAll: () => Promise<void>
  ) {}

  /** What this window is called when it says that it saved. */
  readonly window = UUID.uuid4();

  show(found: INotices): void {
    if (found.final && found.final !== this._answered) {
      this._answered = found.final;
      void this.answer();
      return;
    }
    const held = new Set(found.items.map(one => one.id));
    for (const [id, notification] of this._ids) {
      if (!held.has(id)) {
        Notification.dismiss(notification);
        this._ids.delete(id);
      }
    }
    if (!found.final) {
      found.items.forEach(one => this.put(one));
    }
  }

  private async answer(): Promise<void> {
    for (const notification of this._ids.values()) {
      Notification.dismiss(notification);
    }
    this._ids.clear();
    Notification.warning(this._text.notices.saving, { autoClose: false });
    await this._saveAll();
    await this._api.noticeSaved(this.window).catch(() => undefined);
  }

  private put(notice: INotice): void {
    const left = notice.seconds_left;
    const message =
      left === null
        ? notice.sentence
        : `${notice.sentence} ${this._text.notices.left(Math.ceil(left / 60))}`;
    const options = {
      autoClose: false as const,
      actions: this.actions(notice)
    };
    const id = this._ids.get(notice.id);
    if (id === undefined) {
      this._ids.set(notice.id, Notification.warning(message, options));
    } else if (Notification.manager.has(id)) {
      // One that its person closed stays closed.
      Notification.update({ id, message, type: 'warning', ...options });
    }
  }

  private actions(notice: INotice): Notification.IAction[] {
    const actions: Notification.IAction[] = [];
    if (notice.may_keep) {
      actions.push({
        label: this._text.notices.keep,
        displayType: 'accent',
        callback: () => this.act(this._api.keepServer())
      });
    }
    if (notice.seconds_left !== null) {
      actions.push({
        label: this._text.notices.stopNow,
        displayType: notice.may_keep ? 'default' : 'warn',
        callback: () => this.act(this._api.stopServer())
      });
    }
    return actions;
  }

  private act(done: Promise<void>): void {
    done.catch(reason => {
      Notification.error(sentence(reason), { autoClose: false });
    });
  }

  private _answered = '';
  private _ids = new Map<string, string>();
}
