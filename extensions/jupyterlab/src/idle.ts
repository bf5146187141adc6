/** Warns before an idle server stops, and tells the server that someone is here. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Poll } from '@lumino/polling';

import { IAbout, IIdle, LabsApi } from './api';
import { LabsModel } from './model';
import { sentence } from './sentence';
import { Strings, strings } from './strings';
import { ILabs } from './tokens';

const LOOK_EVERY_MS = 60_000;
const LOOK_EVERY_WHEN_DUE_MS = 10_000;
const TELL_EVERY_MS = 60_000;

export const idle: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:idle',
  description: 'Warns before an idle server stops.',
  autoStart: true,
  requires: [ILabs],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    model: LabsModel,
    translator: ITranslator | null
  ) => {
    const text = strings((translator ?? nullTranslator).load('machinelabs'));
    model.about.then(
      about => about.idle_minutes && watch(model.api, text, about),
      () => undefined
    );
  }
};

function watch(api: LabsApi, text: Strings, about: IAbout): void {
  const warning = new Warning(api, text, about);
  const poll = new Poll({
    name: 'jupyterlab-machinelabs:idle',
    factory: async () => {
      const state = await api.idle();
      warning.show(state);
      poll.frequency = {
        ...poll.frequency,
        interval: state.is_due ? LOOK_EVERY_WHEN_DUE_MS : LOOK_EVERY_MS
      };
    },
    frequency: { interval: LOOK_EVERY_MS, backoff: true, max: 300_000 },
    // A hidden window is the one that needs the warning when it is looked at again.
    standby: 'never'
  });
  let told = 0;
  const here = (): void => {
    if (Date.now() - told > TELL_EVERY_MS) {
      told = Date.now();
      api.keep(false).then(
        state => warning.show(state),
        () => undefined
      );
    }
  };
  for (const sign of ['keydown', 'pointerdown', 'wheel']) {
    document.addEventListener(sign, here, { capture: true, passive: true });
  }
}

/** The one notification that counts down. */
class Warning {
  constructor(
    private _api: LabsApi,
    private _text: Strings,
    private _about: IAbout
  ) {}

  show(state: IIdle): void {
    if (!state.is_due || state.seconds_left === null) {
      if (this._id) {
        Notification.dismiss(this._id);
        this._id = '';
      }
      return;
    }
    const minutes = Math.ceil(state.seconds_left / 60);
    const message = minutes
      ? this._text.idle.warning(minutes)
      : this._text.idle.soon;
    const options = {
      autoClose: false as const,
      actions: [
        {
          label: this._text.idle.keep,
          displayType: 'accent' as const,
          callback: () => void this.keep()
        }
      ]
    };
    if (this._id && Notification.manager.has(this._id)) {
      Notification.update({
        id: this._id,
        message,
        type: 'warning',
        ...options
      });
    } else {
      this._id = Notification.warning(message, options);
    }
  }

  private async keep(): Promise<void> {
    this._id = '';
    try {
      await this._api.keep(true);
      Notification.info(this._text.idle.kept(this._about.idle_minutes), {
        autoClose: 4000
      });
    } catch (reason) {
      Notification.error(sentence(reason), { autoClose: false });
    }
  }

  private _id = '';
}
