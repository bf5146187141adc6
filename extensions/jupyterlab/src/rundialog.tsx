/** The dialog of a run: what of the lab, where, with which values. */
import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import React, { useEffect, useState } from 'react';

import { LabsApi } from './api';
import { Field } from './formfields';
import { IRunForm, IRunParameter, IRunWish } from './runform';
import { changed, choicesOf, typed } from './runvalues';
import { sentence } from './sentence';
import { Strings } from './strings';

export interface IRunBodyOptions {
  api: LabsApi;
  text: Strings;
  path: string;
  form: IRunForm;
  /** What was chosen in the last try, which did not work. */
  wish: IRunWish | null;
  /** Whether something that is open here was not saved. */
  unsaved: boolean;
  failed: string;
}

/** A dialog whose order waits while it is looked what another file takes. */
export class RunDialog extends Dialog<IRunWish> {
  constructor(
    private _fields: RunBody,
    options: Partial<Dialog.IOptions<IRunWish>>
  ) {
    super({ ...options, body: _fields });
    this.addClass('jp-MachineLabs-dialog');
    _fields.readyChanged.connect(() => this._mark());
  }

  override handleEvent(event: Event): void {
    if (
      event.type === 'keydown' &&
      (event as KeyboardEvent).key === 'Enter' &&
      !this._fields.isReady &&
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
      accept.disabled = !this._fields.isReady;
    }
  }
}

export class RunBody
  extends ReactWidget
  implements Dialog.IBodyWidget<IRunWish>
{
  constructor(private _options: IRunBodyOptions) {
    super();
    this._value = first(_options);
    this.addClass('jp-MachineLabs-publish');
  }

  readonly readyChanged = new Signal<this, boolean>(this);

  /** Whether it is known what the chosen file takes. */
  get isReady(): boolean {
    return this._isReady;
  }

  getValue(): IRunWish {
    return this._value;
  }

  protected render(): React.ReactElement {
    return (
      <RunFields
        {...this._options}
        changed={(wish, ready) => {
          this._value = wish;
          if (ready !== this._isReady) {
            this._isReady = ready;
            this.readyChanged.emit(ready);
          }
        }}
      />
    );
  }

  private _value: IRunWish;
  private _isReady = true;
}

function first(options: IRunBodyOptions): IRunWish {
  const { form, wish } = options;
  return {
    file: form.path,
    image: wish?.image || form.image,
    flavour: wish?.flavour || form.flavour,
    parameters: wish?.parameters ?? {}
  };
}

function RunFields(
  props: IRunBodyOptions & {
    changed: (wish: IRunWish, ready: boolean) => void;
  }
): React.ReactElement {
  const { api, path, changed: tell } = props;
  const words = props.text.run;
  const [form, setForm] = useState(props.form);
  const [wish, setWish] = useState(first(props));
  const [values, setValues] = useState(wish.parameters);
  const [failed, setFailed] = useState(props.failed);
  const isKnown = form.path === wish.file;

  useEffect(() => {
    let isWanted = true;
    if (!isKnown) {
      api.runForm(path, wish.file).then(
        found => isWanted && setForm(found),
        reason => isWanted && setFailed(sentence(reason))
      );
    }
    return () => {
      isWanted = false;
    };
  }, [api, path, wish.file, isKnown]);

  useEffect(() => {
    const parameters = changed(form.parameters, values);
    tell({ ...wish, parameters }, isKnown);
    // `tell` only hands the values on.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [wish, values, form, isKnown]);

  return (
    <>
      {failed && (
        <p className="jp-MachineLabs-fault" role="alert">
          {failed}
        </p>
      )}
      {form.unpublished > 0 ? (
        <p className="jp-MachineLabs-hint">
          {words.unpublished(form.unpublished, form.revision)}
        </p>
      ) : (
        props.unsaved && (
          <p className="jp-MachineLabs-hint">{words.unsaved(form.revision)}</p>
        )
      )}
      <Field label={words.file}>
        <select
          value={wish.file}
          onChange={event => {
            setFailed('');
            setWish({ ...wish, file: event.target.value });
          }}
        >
          {form.files.map(file => (
            <option key={file} value={file}>
              {file}
            </option>
          ))}
        </select>
      </Field>
      <div className="jp-MachineLabs-pair">
        <Field label={words.image}>
          <select
            value={wish.image}
            onChange={event => setWish({ ...wish, image: event.target.value })}
          >
            {form.images.map(image => (
              <option key={image.name} value={image.name}>
                {image.title}
              </option>
            ))}
          </select>
        </Field>
        <Field label={words.flavour}>
          <select
            value={wish.flavour}
            onChange={event =>
              setWish({ ...wish, flavour: event.target.value })
            }
          >
            {form.flavours.map(flavour => (
              <option key={flavour.name} value={flavour.name}>
                {flavour.title}
              </option>
            ))}
          </select>
        </Field>
      </div>
      {!isKnown ? (
        <p className="jp-MachineLabs-hint">{words.looking}</p>
      ) : form.parameters.length === 0 ? (
        <p className="jp-MachineLabs-hint">{words.none}</p>
      ) : (
        form.parameters.map(one => (
          <Value
            key={one.name}
            parameter={one}
            value={values[one.name] ?? typed(one)}
            onChange={value => setValues({ ...values, [one.name]: value })}
          />
        ))
      )}
    </>
  );
}

function Value(props: {
  parameter: IRunParameter;
  value: string;
  onChange: (value: string) => void;
}): React.ReactElement {
  const { parameter, value, onChange } = props;
  const choices = choicesOf(parameter);
  return (
    <Field label={parameter.name} hint={parameter.what}>
      {choices.length > 0 ? (
        <select value={value} onChange={event => onChange(event.target.value)}>
          {choices.map(choice => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : (
        <input
          className="jp-mod-styled"
          value={value}
          maxLength={10000}
          spellCheck={false}
          onChange={event => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
