/** The documents that are open below a folder: save them before files change, reload them after. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { DocumentRegistry } from '@jupyterlab/docregistry';

import { Saves } from './saves';

export class OpenDocuments {
  constructor(
    private _app: JupyterFrontEnd,
    private _documents: IDocumentManager | null,
    private _saves: Saves
  ) {}

  /** Save what is open and changed at `path` or below it: what you see is what is taken. */
  async save(path: string): Promise<void> {
    for (const context of this.below(path)) {
      if (context.model.dirty && !context.model.readOnly) {
        await this._saves.save(context);
      }
      saved.set(context, content(context));
    }
  }

  /** Return the documents at `path` or below it that hold edits which no file has. */
  unsaved(path: string): string[] {
    return this.below(path)
      .filter(context => !context.model.readOnly && this.holdsEdits(context))
      .map(context => context.localPath);
  }

  /**
   * Show what the files of `paths`, below `folder`, hold now.
   *
   * One whose content changed since it was saved stays as it is: JupyterLab asks when it is saved.
   */
  async reload(folder: string, paths: string[]): Promise<void> {
    const changed = new Set(paths.map(path => `${folder}/${path}`));
    for (const context of this.below(folder)) {
      if (!this.holdsEdits(context) && changed.has(context.localPath)) {
        // A file that is gone cannot be read again; what is shown is the last that there was.
        await context.revert().catch(() => undefined);
      }
    }
    await this._app.commands
      .execute('filebrowser:refresh')
      .catch(() => undefined);
  }

  private below(path: string): DocumentRegistry.Context[] {
    const found = new Set<DocumentRegistry.Context>();
    for (const widget of this._app.shell.widgets('main')) {
      const context = this._documents?.contextForWidget(widget);
      const open = context?.localPath;
      if (context && (open === path || open?.startsWith(`${path}/`))) {
        found.add(context);
      }
    }
    return [...found];
  }

  private holdsEdits(context: DocumentRegistry.Context): boolean {
    return context.model.dirty && saved.get(context) !== content(context);
  }
}

/** What each document held when one of us saved it. */
const saved = new WeakMap<DocumentRegistry.Context, string>();

/** What a person wrote: a kernel that starts changes a notebook's metadata, and that is no edit. */
function content(context: DocumentRegistry.Context): string {
  const whole = context.model.toJSON() as { cells?: unknown } | null;
  return JSON.stringify(whole?.cells ?? whole);
}
