/** Save open documents one save at a time: of two at once, JupyterLab takes one for a conflict. */
import { DocumentRegistry } from '@jupyterlab/docregistry';
import { DisposableDelegate, IDisposable } from '@lumino/disposable';

/** A save that the person cancelled ends without a word: wait no longer than this. */
const LONGEST_MS = 10_000;

const FACTORIES = ['Notebook', 'Editor'];

export class Saves implements DocumentRegistry.WidgetExtension {
  constructor(registry: DocumentRegistry) {
    for (const factory of FACTORIES) {
      registry.addWidgetExtension(factory, this);
    }
  }

  /** Save `context` if it has changes, after a save of it that is under way. */
  async save(context: DocumentRegistry.Context): Promise<void> {
    if (this._underWay.has(context)) {
      await this.ended(context);
    }
    if (context.model.dirty) {
      await context.save();
    }
  }

  createNew(_: unknown, context: DocumentRegistry.Context): IDisposable {
    const note = (
      _: DocumentRegistry.Context,
      state: DocumentRegistry.SaveState
    ): void => {
      if (state === 'started') {
        this._underWay.add(context);
      } else {
        this._underWay.delete(context);
      }
    };
    context.saveState.connect(note);
    return new DisposableDelegate(() => {
      context.saveState.disconnect(note);
      this._underWay.delete(context);
    });
  }

  private ended(context: DocumentRegistry.Context): Promise<void> {
    return new Promise(resolve => {
      const done = (
        _: DocumentRegistry.Context,
        state: DocumentRegistry.SaveState
      ): void => {
        if (state !== 'started') {
          stop();
        }
      };
      const stop = (): void => {
        window.clearTimeout(timer);
        context.saveState.disconnect(done);
        resolve();
      };
      const timer = window.setTimeout(stop, LONGEST_MS);
      context.saveState.connect(done);
    });
  }

  private _underWay = new Set<DocumentRegistry.Context>();
}
