/** The status item `GPU 43 % · 6.1 of 40 GiB`, and the plots that a click on it shows. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Dialog,
  Notification,
  ReactWidget,
  showDialog
} from '@jupyterlab/apputils';
import { IStatusBar, Popup, showPopup } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import { GpuModel, total } from './gpumodel';
import { GpuPanel } from './gpupanel';
import { LabsModel } from './model';
import { sentence } from './sentence';
import { Strings, strings } from './strings';
import { ILabs } from './tokens';

export const gpu: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:gpu',
  description: 'Shows what this server does on its GPU, and gives it back.',
  autoStart: true,
  requires: [ILabs],
  optional: [IStatusBar, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    labs: LabsModel,
    bar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    if (!bar) {
      return;
    }
    const text = strings((translator ?? nullTranslator).load('machinelabs'));
    const model = new GpuModel(labs.api);
    bar.registerStatusItem(gpu.id, {
      item: new GpuItem(model, text),
      align: 'right',
      rank: 90,
      isActive: () => Boolean(model.state?.held),
      activeStateChanged: model.isHeldChanged
    });
    labs.about.then(
      about => {
        if (about.connected) {
          void model.start();
        }
      },
      () => undefined
    );
  }
};

class GpuItem extends ReactWidget {
  constructor(
    private _model: GpuModel,
    private _text: Strings
  ) {
    super();
    this.addClass('jp-MachineLabs-statusItem');
    this.addClass('jp-MachineLabs-gpuItem');
  }

  protected render(): React.ReactElement {
    return (
      <UseSignal signal={this._model.stateChanged}>
        {() => this.item()}
      </UseSignal>
    );
  }

  private item(): React.ReactElement {
    const state = this._model.state;
    if (!state?.held) {
      return <></>;
    }
    const now = total(state.held.cards);
    return (
      <button
        type="button"
        title={state.sentence || this._text.gpu.caption}
        aria-haspopup="dialog"
        onClick={() => this.toggle()}
      >
        {this._text.gpu.item(now.smPercent, now.usedMib, now.partMib)}
      </button>
    );
  }

  private toggle(): void {
    if (this._popup && !this._popup.isDisposed) {
      this._popup.dispose();
      return;
    }
    const stop = (): void => void giveBack(this._model, this._text);
    this._popup = showPopup({
      body: new GpuPanel(this._model, this._text, stop),
      anchor: this,
      align: 'right',
      hasDynamicSize: true
    });
  }

  private _popup: Popup | null = null;
}

/** Ask, then save what is open and stop this server. */
async function giveBack(model: GpuModel, text: Strings): Promise<void> {
  const answer = await showDialog({
    title: text.gpu.stopTitle,
    body: text.gpu.stopBody,
    buttons: [
      Dialog.cancelButton(),
      Dialog.warnButton({ label: text.gpu.stop })
    ]
  });
  if (!answer.button.accept) {
    return;
  }
  try {
    await model.stop();
  } catch (reason) {
    Notification.error(sentence(reason), { autoClose: false });
  }
}
