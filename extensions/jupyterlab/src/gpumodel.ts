/** What this server does on its GPU: asked often while somebody looks, seldom otherwise. */
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import { IGpu, IGpuCard, IGpuHeld, LabsApi } from './api';
import { sentence } from './sentence';

export const PAST_SECONDS = 600;
const LOOK_EVERY_MS = 15_000;
const LOOK_EVERY_WHEN_OPEN_MS = 5_000;
/** A server without a GPU hardly ever gets one while it runs. */
const LOOK_EVERY_WITHOUT_MS = 300_000;

export class GpuModel {
  constructor(private _api: LabsApi) {
    this._poll = new Poll({
      name: 'jupyterlab-machinelabs:gpu',
      auto: false,
      factory: () => this.look(),
      frequency: { interval: LOOK_EVERY_MS, backoff: true, max: 300_000 },
      standby: 'when-hidden'
    });
  }

  /** What the site said last; null: nothing yet. */
  get state(): IGpu | null {
    return this._state;
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Emitted when this server turns out to have a GPU, or to have none any more. */
  get isHeldChanged(): ISignal<this, void> {
    return this._isHeldChanged;
  }

  start(): Promise<void> {
    return this._poll.start();
  }

  /** Somebody looks at the plots, or no longer does. */
  turn(isOpen: boolean): void {
    this._isOpen = isOpen;
    if (isOpen) {
      void this._poll.refresh().catch(() => undefined);
    }
  }

  /** Save what is open, then stop this server. */
  stop(): Promise<void> {
    return this._api.stopServer();
  }

  private async look(): Promise<void> {
    const asked = this._isOpen;
    try {
      const state = await this._api.gpu(asked ? PAST_SECONDS : 0);
      if (state.held && !asked) {
        // What was told of the past stays until somebody looks again.
        state.held.points = this.held?.points ?? [];
      }
      this.set(state);
    } catch (reason) {
      this.set({ held: unseen(this.held), sentence: sentence(reason) });
      throw reason;
    } finally {
      this._poll.frequency = {
        ...this._poll.frequency,
        interval: this.pause()
      };
    }
  }

  private set(state: IGpu): void {
    const turned = (state.held === null) !== (this.held === null);
    this._state = state;
    this._stateChanged.emit();
    if (turned) {
      this._isHeldChanged.emit();
    }
  }

  private get held(): IGpuHeld | null {
    return this._state?.held ?? null;
  }

  private pause(): number {
    if (!this.held) {
      return LOOK_EVERY_WITHOUT_MS;
    }
    return this._isOpen ? LOOK_EVERY_WHEN_OPEN_MS : LOOK_EVERY_MS;
  }

  private _isOpen = false;
  private _state: IGpu | null = null;
  private _stateChanged = new Signal<this, void>(this);
  private _isHeldChanged = new Signal<this, void>(this);
  private _poll: Poll;
}

/** What was held, without figures that may be old. */
function unseen(held: IGpuHeld | null): IGpuHeld | null {
  const unknown = { sm_percent: null, memory_used_mib: null, others_mib: null };
  return (
    held && {
      ...held,
      cards: held.cards.map(card => ({ ...card, ...unknown }))
    }
  );
}

/** What all cards of a server do together; null: that is not known. */
export interface ITotal {
  smPercent: number | null;
  usedMib: number | null;
  othersMib: number | null;
  partMib: number;
}

export function total(cards: IGpuCard[]): ITotal {
  const sm = sum(cards.map(card => card.sm_percent));
  return {
    smPercent: sm === null ? null : sm / cards.length,
    usedMib: sum(cards.map(card => card.memory_used_mib)),
    othersMib: sum(cards.map(card => card.others_mib)),
    partMib: sum(cards.map(card => card.part_mib)) ?? 0
  };
}

function sum(figures: (number | null)[]): number | null {
  let all = 0;
  for (const figure of figures) {
    if (figure === null) {
      return null;
    }
    all += figure;
  }
  return figures.length ? all : null;
}
