/** The form of the publish dialog: what to publish, how it is called, who may see it. */
import { PathExt } from '@jupyterlab/coreutils';
import React, { useEffect, useRef, useState } from 'react';

import { IChoices, IPreview, IStanding, LabsApi } from './api';
import { FileList } from './filelist';
import { Choice, Field, Proposed } from './formfields';
import { isName, nameFromTitle } from './names';
import { sentence } from './sentence';
import { Strings } from './strings';

/** What a person filled in. `again` publishes the next revision, else a new lab is made. */
export interface IPublishForm {
  again: boolean;
  path: string;
  title: string;
  name: string;
  owner: string;
  description: string;
  tags: string;
  visibility: string;
  licence: string;
  strip: boolean | null;
  message: string;
}

export interface IPublishFormOptions {
  api: LabsApi;
  text: Strings;
  form: IPublishForm;
  /** The lab that the files belong to, when it is published again. */
  standing: IStanding | null;
  choices: IChoices;
  /** `https://…/services/labs`: what stands before a new lab's owner and name. */
  address: string;
  /** Why the last try did not work. */
  failed: string;
}

export function PublishForm(
  props: IPublishFormOptions & {
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
            <Proposed
              isProposed={!titled.current}
              value={form.title}
              maxLength={120}
              required
              onChange={event => {
                titled.current = true;
                set({ title: event.target.value });
              }}
            />
          </Field>
          {props.choices.owners.length > 1 && (
            <Field label={words.owner} hint={words.ownerHint}>
              <select
                value={form.owner}
                onChange={event => set({ owner: event.target.value })}
              >
                {props.choices.owners.map(owner => (
                  <option key={owner} value={owner}>
                    {owner}
                  </option>
                ))}
              </select>
            </Field>
          )}
          <Field
            label={words.name}
            hint={
              isName(name) || !form.title
                ? words.nameHint(`${props.address}/${form.owner}/${name}`)
                : words.badName
            }
          >
            <Proposed
              isProposed={!named}
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
                {props.choices.licences.map(licence => (
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
              [
                'signed-in',
                text.visibility['signed-in'],
                text.visibility.signedInHint
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
      <FileList preview={preview} failed={failed} text={text} />
    </>
  );
}

/** Only this notebook, or its whole folder. */
function What(
  props: IPublishFormOptions & {
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
