/** The dialog that shows exactly what would be published, and asks how. */
import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { Signal } from '@lumino/signaling';
import React, { useEffect, useRef, useState } from 'react';

import { ILicence, IPreview, IStanding, LabsApi } from './api';
import { isName, nameFromTitle, size } from './names';
import { sentence } from './sentence';
import { Strings } from './strings';

const LISTED_FILES = 500;

/** What a person filled in. `again` publishes the next revision, else a new lab is made. */
export interface IPublishForm {
  again: boolean;
  path: string;
  title: string;
  name: string;
  description: string;
  tags: string;
  visibility: string;
  licence: string;
  strip: boolean | null;
  message: string;
}

export interface IPublishDialogOptions {
  api: LabsApi;
  text: Strings;
  form: IPublishForm;
  /** The lab that the files belong to, when it is published again. */
  standing: IStanding | null;
  licences: ILicence[];
  /** `https://…/services/labs/alice`: what stands before a new lab's name. */
  address: string;
  /** Why the last try did not work. */
  failed: string;
}

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
  constructor(private _options: IPublishDialogOptions) {
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
      <Form
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

function Form(
  props: IPublishDialogOptions & {
    changed: (form: IPublishForm, ready: boolean) => void;
  }
): React.ReactElement {
  const { api, text, standing, changed } = props;
  const words = text.publish;
  const [form, setForm] = useState(props.form);
  const [named, setNamed] = useState(props.form.name !== '');
  // A reference, not a state: a preview that was asked for before must see what was typed since.
  const titled = useRef(props.form.title !== '');
  const [preview, setPreview] = useState<IPreview | null>(null);
  const [failed, setFailed] = useState('');
  const asked = useRef(0);
  const set = (change: Partial<IPublishForm>): void =>
    setForm(old => ({ ...old, ...change }));
  const strip = form.strip ?? preview?.strip ?? false;

  useEffect(() => {
    const turn = ++asked.current;
    setPreview(null);
    setFailed('');
    api.preview(form.path, form.again, form.strip).then(
      found => {
        if (turn === asked.current) {
          setPreview(found);
          if (!titled.current) {
            set({ title: found.title });
          }
        }
      },
      reason => turn === asked.current && setFailed(sentence(reason))
    );
  }, [api, form.path, form.again, form.strip]);

  const name = named ? form.name : nameFromTitle(form.title);
  const isComplete = form.again || (form.title.trim() !== '' && isName(name));
  const ready = isComplete && preview !== null && preview.faults.length === 0;
  useEffect(() => {
    changed({ ...form, name, strip }, ready);
    // `changed` only hands the values on.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [form, name, strip, ready]);

  return (
    <>
      {props.failed && (
        <p className="jp-MachineLabs-fault" role="alert">
          {props.failed}
        </p>
      )}
      {form.again && standing?.may_edit === false && (
        <p className="jp-MachineLabs-hint">{words.notYours(standing.lab)}</p>
      )}
      {form.again ? (
        <Field label={words.message} hint={words.messageHint}>
          <input
            className="jp-mod-styled"
            value={form.message}
            maxLength={200}
            onChange={event => set({ message: event.target.value })}
          />
        </Field>
      ) : (
        <>
          <What {...props} form={form} set={set} preview={preview} />
          <Field label={words.title}>
            <input
              className="jp-mod-styled"
              value={form.title}
              maxLength={120}
              required
              onChange={event => {
                titled.current = true;
                set({ title: event.target.value });
              }}
            />
          </Field>
          <Field
            label={words.name}
            hint={
              isName(name) || !form.title
                ? words.nameHint(`${props.address}/${name}`)
                : words.badName
            }
          >
            <input
              className="jp-mod-styled"
              value={name}
              maxLength={64}
              spellCheck={false}
              aria-invalid={!isName(name)}
              onChange={event => {
                setNamed(event.target.value !== '');
                set({ name: event.target.value });
              }}
            />
          </Field>
          <Field label={words.description} hint={words.descriptionHint}>
            <input
              className="jp-mod-styled"
              value={form.description}
              maxLength={300}
              onChange={event => set({ description: event.target.value })}
            />
          </Field>
          <div className="jp-MachineLabs-pair">
            <Field label={words.tags} hint={words.tagsHint}>
              <input
                className="jp-mod-styled"
                value={form.tags}
                onChange={event => set({ tags: event.target.value })}
              />
            </Field>
            <Field label={words.licence}>
              <select
                value={form.licence}
                onChange={event => set({ licence: event.target.value })}
              >
                {props.licences.map(licence => (
                  <option key={licence.id} value={licence.id}>
                    {licence.id === licence.title
                      ? licence.title
                      : `${licence.id} · ${licence.title}`}
                  </option>
                ))}
              </select>
            </Field>
          </div>
          <Choice
            name="visibility"
            legend={words.visibility}
            value={form.visibility}
            options={[
              ['public', text.visibility.public, text.visibility.publicHint],
              [
                'unlisted',
                text.visibility.unlisted,
                text.visibility.unlistedHint
              ],
              ['private', text.visibility.private, text.visibility.privateHint]
            ]}
            onChange={visibility => set({ visibility })}
          />
        </>
      )}
      <Choice
        name="outputs"
        legend={words.outputs}
        value={strip ? 'strip' : 'keep'}
        options={[
          ['keep', words.keep, ''],
          ['strip', words.strip, '']
        ]}
        onChange={value => set({ strip: value === 'strip' })}
      />
      <Files preview={preview} failed={failed} text={text} />
    </>
  );
}

/** Only this notebook, or its whole folder. */
function What(
  props: IPublishDialogOptions & {
    form: IPublishForm;
    preview: IPreview | null;
    set: (change: Partial<IPublishForm>) => void;
  }
): React.ReactElement {
  const { preview, form, set, text } = props;
  const [file] = useState(form.path);
  const [folder, setFolder] = useState<string | null>(null);
  useEffect(() => {
    if (preview?.kind === 'file' && preview.folder) {
      setFolder(preview.folder);
    }
  }, [preview]);
  if (folder === null) {
    return <></>;
  }
  return (
    <Choice
      name="what"
      legend={text.publish.what}
      value={form.path}
      options={[
        [file, text.publish.notebookAlone(PathExt.basename(file)), ''],
        [folder, text.publish.wholeFolder(PathExt.basename(folder)), '']
      ]}
      onChange={path => set({ path })}
    />
  );
}

function Files(props: {
  preview: IPreview | null;
  failed: string;
  text: Strings;
}): React.ReactElement {
  const { preview, failed, text } = props;
  const words = text.publish;
  if (failed) {
    return (
      <p className="jp-MachineLabs-fault" role="alert">
        {failed}
      </p>
    );
  }
  if (!preview) {
    return (
      <p className="jp-MachineLabs-hint" role="status">
        {words.looking}
      </p>
    );
  }
  const { files, faults, left_out } = preview;
  return (
    <div className="jp-MachineLabs-files">
      {faults.map(fault => (
        <p className="jp-MachineLabs-fault" role="alert" key={fault}>
          {fault}
        </p>
      ))}
      <div className="jp-MachineLabs-filesHead">
        <span>{words.leaving}</span>
        <span>{words.files(files.length, size(preview.size))}</span>
      </div>
      <ul tabIndex={0} aria-label={words.leaving}>
        {files.slice(0, LISTED_FILES).map(file => (
          <li key={file.path}>
            <span>{file.path}</span>
            <span>{size(file.size)}</span>
          </li>
        ))}
        {files.length > LISTED_FILES && (
          <li>
            <span>…</span>
            <span>{files.length - LISTED_FILES}</span>
          </li>
        )}
      </ul>
      {left_out.length > 0 && (
        <details>
          <summary>{words.leftOut(left_out.length)}</summary>
          <ul>
            {left_out.slice(0, LISTED_FILES).map(left => (
              <li key={left.path}>
                <span>{left.path}</span>
                <span>{words.reasons[left.reason] ?? left.reason}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function Field(props: {
  label: string;
  hint?: string;
  children: React.ReactElement;
}): React.ReactElement {
  return (
    <label className="jp-MachineLabs-field">
      <span>{props.label}</span>
      {props.children}
      {props.hint && <small>{props.hint}</small>}
    </label>
  );
}

function Choice(props: {
  name: string;
  legend: string;
  value: string;
  options: [string, string, string][];
  onChange: (value: string) => void;
}): React.ReactElement {
  return (
    <fieldset className="jp-MachineLabs-choice">
      <legend>{props.legend}</legend>
      {props.options.map(([value, label, hint]) => (
        <label key={value} title={hint}>
          <input
            type="radio"
            name={`machinelabs-${props.name}`}
            value={value}
            checked={value === props.value}
            onChange={() => props.onChange(value)}
          />
          {label}
        </label>
      ))}
      <small>
        {props.options.find(([value]) => value === props.value)?.[2]}
      </small>
    </fieldset>
  );
}
