/** The state that our plugins share: the site, and how the files in front of you stand. */
import { ISignal, Signal } from '@lumino/signaling';
import { Poll } from '@lumino/polling';
import { IDisposable } from '@lumino/disposable';

import { IAbout, IStanding, LabsApi } from './api';

const LOOK_EVERY_MS = 30_000;

export class LabsModel implements IDisposable {
  constructor(readonly api: LabsApi) {
    this.about = api.about();
    // A server that lacks our part answers 404: then nothing of ours shows.
    this.about.catch(() => undefined);
    this._poll = new Poll({
      name: 'jupyterlab-machinelabs:standing',
      auto: false,
      factory: () => this.look(),
      frequency: { interval: LOOK_EVERY_MS, backoff: true, max: 300_000 },
      standby: 'when-hidden'
    });
  }

  /** What the server knows of its site; rejects where it has no part of ours. */
  readonly about: Promise<IAbout>;

  /** The path in front of you: the open document's, else the file browser's folder. */
  get path(): string {
    return this._path;
  }

  /** How the files around that path stand to their lab; null: they are of none. */
  get standing(): IStanding | null {
    return this._standing;
  }

  get standingChanged(): ISignal<this, IStanding | null> {
    return this._standingChanged;
  }

  /** Emitted when the files in front of you begin or cease to be of a lab. */
  get isLabChanged(): ISignal<this, void> {
    return this._isLabChanged;
  }

  /** Emitted after labs were published, forked or opened here. */
  get labsChanged(): ISignal<this, void> {
    return this._labsChanged;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  /** Begin to look, once the server says that it belongs to a site. */
  async start(): Promise<void> {
    if ((await this.about).connected) {
      await this._poll.start();
    }
  }

  /** Turn to another path. */
  turnTo(path: string): void {
    if (path !== this._path) {
      this._path = path;
      this.refresh();
    }
  }

  /** Look again soon: a file was saved, a lab published. */
  refresh(): void {
    this._asked += 1;
    void this._poll.refresh().catch(() => undefined);
  }

  /** Say that labs were published, forked or opened. */
  labsDid(): void {
    this._labsChanged.emit();
    this.refresh();
  }

  private async look(): Promise<void> {
    if (!(await this.about).connected) {
      return;
    }
    // A poll that runs drops what is asked of it meanwhile: look until nothing was.
    let asked: number;
    do {
      asked = this._asked;
      const standing = this._path ? await this.api.standing(this._path) : null;
      if (asked === this._asked) {
        this.set(standing);
      }
    } while (asked !== this._asked);
  }

  private set(standing: IStanding | null): void {
    if (same(standing, this._standing)) {
      return;
    }
    const turned = (standing === null) !== (this._standing === null);
    this._standing = standing;
    this._standingChanged.emit(standing);
    if (turned) {
      this._isLabChanged.emit();
    }
  }

  private _asked = 0;
  private _path = '';
  private _standing: IStanding | null = null;
  private _standingChanged = new Signal<this, IStanding | null>(this);
  private _isLabChanged = new Signal<this, void>(this);
  private _labsChanged = new Signal<this, void>(this);
  private _poll: Poll;
}

function same(one: IStanding | null, other: IStanding | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
