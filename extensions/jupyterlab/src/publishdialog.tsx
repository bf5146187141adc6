/** The dialog around the publish form: its buttons follow whether all that is needed is there. */
import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import React from 'react';

import { IPublishForm, IPublishFormOptions, PublishForm } from './publishform';

/** A dialog whose Enter key does nothing while something is missing. */
export class PublishDialog extends Dialog<IPublishForm> {
  constructor(
    private _form: PublishBody,
    options: Partial<Dialog.IOptions<IPublishForm>>
  ) {
    super({ ...options, body: _form });
    this.addClass('jp-MachineLabs-dialog');
    _form.readyChanged.connect(() => this._mark());
    this._mark();
  }

  override handleEvent(event: Event): void {
    if (
      event.type === 'keydown' &&
      (event as KeyboardEvent).key === 'Enter' &&
      !this._form.isReady &&
      event.target instanceof HTMLInputElement
    ) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    super.handleEvent(event);
  }

  private _mark(): void {
    const accept = this.node.querySelector<HTMLButtonElement>(
      '.jp-Dialog-footer .jp-mod-accept'
    );
    if (accept) {
      accept.disabled = !this._form.isReady;
    }
  }
}

export class PublishBody
  extends ReactWidget
  implements Dialog.IBodyWidget<IPublishForm>
{
  constructor(private _options: IPublishFormOptions) {
    super();
    this._value = _options.form;
    this.addClass('jp-MachineLabs-publish');
  }

  readonly readyChanged = new Signal<this, boolean>(this);

  /** Whether all that is needed is there, and nothing stands in the way. */
  get isReady(): boolean {
    return this._isReady;
  }

  getValue(): IPublishForm {
    return this._value;
  }

  protected render(): React.ReactElement {
    return (
      <PublishForm
        {...this._options}
        changed={(form, ready) => {
          this._value = form;
          if (ready !== this._isReady) {
            this._isReady = ready;
            this.readyChanged.emit(ready);
          }
        }}
      />
    );
  }

  private _value: IPublishForm;
  private _isReady = false;
}
