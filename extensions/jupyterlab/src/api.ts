/** The requests to our part of the Jupyter server, typed. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { IRunForm, IRunWish } from './runform';

export interface IAbout {
  connected: boolean;
  user: string;
  public_url: string;
  image: string;
  flavour: string;
  idle_minutes: number;
}

export interface ILab {
  lab: string;
  owner: string;
  name: string;
  title: string;
  description: string;
  tags: string[];
  visibility: string;
  image: string | null;
  revision: number;
  forks: number;
  stars: number;
  updated_at: string;
  url: string;
  mine: boolean;
}

export interface ILabPage {
  items: ILab[];
  next: string | null;
}

export interface IVisit {
  lab: string;
  title: string;
  path: string;
  url: string;
  at: string;
}

/** How the files around a path stand to the lab that they belong to. */
export interface IStanding {
  lab: string;
  revision: number;
  newest: number | null;
  url: string | null;
  /** The lab that this one was forked from: what of it is merged in here, and its newest. */
  original: {
    lab: string;
    revision: number;
    newest: number;
    url: string;
  } | null;
  /** Whether the last update can be undone. */
  undoable: boolean;
  may_edit: boolean | null;
  visibility: string | null;
  path: string;
  kind: 'file' | 'folder';
  strip: boolean;
  changed: string[];
  added: string[];
  deleted: string[];
}

export interface IPreview {
  path: string;
  kind: 'file' | 'folder';
  files: { path: string; size: number }[];
  size: number;
  left_out: { path: string; reason: string }[];
  faults: string[];
  title: string;
  lab: string | null;
  revision: number | null;
  strip: boolean;
  folder: string | null;
}

export interface IJob {
  id: string;
  kind: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  done: number;
  total: number;
  result: { [key: string]: unknown };
  code: string;
  message: string;
  lines: string[];
}

export interface IDraft {
  path: string;
  title: string;
  name: string;
  owner: string;
  description: string;
  tags: string[];
  visibility: string;
  licence: string;
  strip: boolean;
}

export interface IOpened {
  lab: string;
  path: string;
  folder: string;
}

/** What an update takes over: the original's changes, or those of this lab published elsewhere. */
export type UpdateSource = 'original' | 'newest';

/** What an update does to the files here, or did. */
export interface IUpdate {
  lab: string;
  theirs: string;
  base: number;
  to: number;
  conflicts: number;
  files: {
    path: string;
    change: 'added' | 'changed' | 'removed' | 'merged' | 'conflict' | 'kept';
    note: string;
    conflicts: number;
  }[];
  /** Files of theirs that were laid under another name. */
  beside: string[];
}

/** An update that was done, in the folder `folder`. */
export interface IUpdated extends IUpdate {
  folder: string;
}

export interface IUndone {
  folder: string;
  to: number;
  restored: string[];
  set_aside: string[];
}

export interface IIdle {
  busy: string[];
  seconds_left: number | null;
  warning_seconds: number;
  is_due: boolean;
}

export interface ILicence {
  id: string;
  title: string;
}

/** What the publish dialog offers: whose a new lab can be, the person first. */
export interface IChoices {
  licences: ILicence[];
  owners: string[];
}

export interface IOffer {
  path: string;
  missing: string[];
}

/** One thing that the site tells the people of this server. */
export interface INotice {
  id: string;
  kind: string;
  sentence: string;
  /** Until the server is stopped; null: it only tells. */
  seconds_left: number | null;
  may_keep: boolean;
}

export interface INotices {
  items: INotice[];
  /** Not empty: save what is open now, and say so. */
  final: string;
}

/** A card of this server; null: it cannot be seen now, or is not told. */
export interface IGpuCard {
  uuid: string;
  model: string;
  /** Of a MIG instance; empty for a card. */
  profile: string;
  memory_mib: number;
  /** How much of its memory is this server's. */
  part_mib: number;
  health: 'ok' | 'drained' | 'failed';
  why: string;
  sm_percent: number | null;
  memory_used_mib: number | null;
  /** What all others hold of it, together. */
  others_mib: number | null;
}

export interface IGpuHeld {
  /** 1: the whole of each card; n: 1/n of its memory. */
  share: number;
  since: string;
  cards: IGpuCard[];
  points: {
    at: string;
    sm_percent: number | null;
    memory_mib: number | null;
  }[];
  plan_title: string;
  /** Null: there is no end. */
  left_hours: number | null;
  ends_at: string | null;
}

export interface IGpu {
  /** Null: this server has no GPU. */
  held: IGpuHeld | null;
  /** Why something is not known; empty: all is. */
  sentence: string;
}

/** An error with the sentence that people are shown. */
export class LabsError extends Error {
  constructor(
    readonly code: string,
    sentence: string
  ) {
    super(sentence);
  }
}

/** Our part of the Jupyter server. */
export class LabsApi {
  constructor(readonly settings: ServerConnection.ISettings) {}

  about(): Promise<IAbout> {
    return this.get('about');
  }

  choices(): Promise<IChoices> {
    return this.get('choices');
  }

  /** Your labs, or those of `owner`: `@group` of yours. */
  mine(owner = '', cursor = ''): Promise<ILabPage> {
    return this.get('labs', { scope: 'mine', owner, cursor });
  }

  explore(q: string, cursor = ''): Promise<ILabPage> {
    return this.get('labs', { scope: 'explore', q, cursor });
  }

  recent(): Promise<{ items: IVisit[] }> {
    return this.get('recent');
  }

  async standing(path: string): Promise<IStanding | null> {
    return (await this.get<{ lab: IStanding | null }>('standing', { path }))
      .lab;
  }

  preview(
    path: string,
    again: boolean,
    strip: boolean | null
  ): Promise<IPreview> {
    return this.post('preview', { path, again, strip });
  }

  publish(draft: IDraft): Promise<IJob> {
    return this.post('publish', { ...draft });
  }

  revise(path: string, message: string, strip: boolean): Promise<IJob> {
    return this.post('revise', { path, message, strip });
  }

  job(id: string): Promise<IJob> {
    return this.get(`jobs/${id}`);
  }

  cancel(id: string): Promise<void> {
    return this.send(`jobs/${id}`, { method: 'DELETE' });
  }

  open(lab: string, fork: boolean): Promise<IOpened> {
    return this.post('open', { lab, fork });
  }

  updatePreview(path: string, source: UpdateSource): Promise<IUpdate> {
    return this.post('update/preview', { path, source });
  }

  update(path: string, source: UpdateSource): Promise<IUpdated> {
    return this.post('update', { path, source });
  }

  undoUpdate(path: string): Promise<IUndone> {
    return this.post('update/undo', { path });
  }

  adopt(path: string): Promise<{ lab: string; revision: number; url: string }> {
    return this.post('adopt', { path });
  }

  /** What a run begins with; `file` is empty for the open one, or the lab's entry point. */
  runForm(path: string, file = ''): Promise<IRunForm> {
    return this.get('runs/form', { path, file });
  }

  /** Order a run of the revision that the files at `path` are of. */
  run(path: string, wish: IRunWish): Promise<{ run: string; url: string }> {
    return this.post('runs', { path, ...wish });
  }

  async requirements(path: string): Promise<IOffer | null> {
    return (await this.get<{ offer: IOffer | null }>('requirements', { path }))
      .offer;
  }

  install(path: string): Promise<IJob> {
    return this.post('requirements', { path });
  }

  resetPackages(): Promise<{ moved_to: string }> {
    return this.post('packages/reset', {});
  }

  idle(): Promise<IIdle> {
    return this.get('idle');
  }

  /** Count this moment as use; `now` tells the hub at once. */
  keep(now: boolean): Promise<IIdle> {
    return this.post('idle', { now });
  }

  /** What the site tells; `window` is this browser's name for itself. */
  notices(window: string): Promise<INotices> {
    return this.get('notices', { window });
  }

  noticeSaved(window: string): Promise<void> {
    return this.post('notices/saved', { window });
  }

  /** Say that somebody needs this server. */
  keepServer(): Promise<void> {
    return this.post('notices/keep', {});
  }

  /** Save what is open and stop this server. */
  stopServer(): Promise<void> {
    return this.post('notices/stop', {});
  }

  /** What this server has of GPUs, and did in the last `seconds`. */
  gpu(seconds: number): Promise<IGpu> {
    return this.get('gpu', { seconds: String(seconds) });
  }

  private get<T>(
    path: string,
    query: { [key: string]: string } = {}
  ): Promise<T> {
    return this.send(path + URLExt.objectToQueryString(query), {});
  }

  private post<T>(path: string, body: object): Promise<T> {
    return this.send(path, { method: 'POST', body: JSON.stringify(body) });
  }

  private async send<T>(path: string, init: RequestInit): Promise<T> {
    const url = URLExt.join(this.settings.baseUrl, 'machinelabs/api', path);
    const answer = await ServerConnection.makeRequest(url, init, this.settings);
    const text = await answer.text();
    const body = parse(text);
    if (!answer.ok) {
      const error = body as { code?: string; message?: string } | null;
      throw new LabsError(
        error?.code ?? `status_${answer.status}`,
        error?.message ?? answer.statusText
      );
    }
    return body as T;
  }
}

function parse(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
