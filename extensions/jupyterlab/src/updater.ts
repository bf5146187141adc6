/** Walks a person through an update: what it would do, doing it, what came of it, undoing it. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';

import { IStanding, IUpdated, UpdateSource } from './api';
import { OpenDocuments } from './documents';
import { LabsModel } from './model';
import { sentence } from './sentence';
import { isStale } from './standing';
import { Strings } from './strings';
import { askToUpdate } from './updatedialog';

const TOAST_MS = 20_000;

export interface IUpdaterOptions {
  app: JupyterFrontEnd;
  model: LabsModel;
  text: Strings;
  documents: OpenDocuments;
}

export class Updater {
  constructor(private _options: IUpdaterOptions) {}

  /** Show what is newer than the files of `standing`, and merge it in if the person wants it. */
  async update(standing: IStanding): Promise<void> {
    const { model, text, documents } = this._options;
    const { path } = standing;
    // What was published of this very lab comes first: the original is merged into the newest.
    const source: UpdateSource =
      isStale(standing) || !standing.original ? 'newest' : 'original';
    try {
      if (!(await this.save(path))) {
        return;
      }
      const found = await model.api.updatePreview(path, source);
      if (!found.files.length) {
        Notification.info(text.update.nothing(found.theirs, found.to), {
          autoClose: 5000
        });
      } else if (await askToUpdate(found, text)) {
        // The dialog takes every key, but a kernel may have written into a notebook meanwhile.
        if (!(await this.save(path))) {
          return;
        }
        const done = await model.api.update(path, source);
        await documents.reload(
          done.folder,
          done.files.map(file => file.path)
        );
        this.say(standing, done);
      }
    } catch (reason) {
      Notification.error(sentence(reason), { autoClose: false });
    }
    model.labsDid();
  }

  /** Put the files of the lab of `path` back as they were before its last update. */
  async undo(path: string): Promise<void> {
    const { model, text, documents } = this._options;
    try {
      if (!(await this.save(path))) {
        return;
      }
      const done = await model.api.undoUpdate(path);
      await documents.reload(done.folder, [
        ...done.restored,
        ...done.set_aside
      ]);
      Notification.success(
        done.set_aside.length
          ? text.update.undoneAside(done.to, done.set_aside)
          : text.update.undone(done.to),
        { autoClose: done.set_aside.length ? false : 5000 }
      );
    } catch (reason) {
      Notification.error(sentence(reason), { autoClose: false });
    }
    model.labsDid();
  }

  /** Save what is open of the lab; say what cannot be saved, and return false then. */
  private async save(path: string): Promise<boolean> {
    const { documents, text } = this._options;
    await documents.save(path).catch(() => undefined);
    const left = documents.unsaved(path);
    if (left.length) {
      Notification.warning(text.update.saveFirst(left), { autoClose: 8000 });
    }
    return !left.length;
  }

  private say(standing: IStanding, done: IUpdated): void {
    const { app, text } = this._options;
    const words = text.update;
    const marked = done.files.find(file => file.conflicts);
    const actions: Notification.IAction[] = [
      { label: words.undo, callback: () => void this.undo(standing.path) }
    ];
    if (marked) {
      const path = `${done.folder}/${marked.path}`;
      actions.push({
        label: words.showMarked,
        displayType: 'accent',
        callback: () => void app.commands.execute('docmanager:open', { path })
      });
    }
    const message = done.conflicts
      ? words.doneMarked(done.theirs, done.to, done.conflicts)
      : words.done(done.theirs, done.to);
    Notification.emit(
      done.beside.length ? `${message} ${words.beside(done.beside)}` : message,
      done.conflicts ? 'warning' : 'success',
      { autoClose: done.conflicts ? false : TOAST_MS, actions }
    );
  }
}
