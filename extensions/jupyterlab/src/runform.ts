/** What a run takes: the form that our part of the Jupyter server gives, and what is wished. */

/** A value that a notebook or script takes. */
export interface IRunParameter {
  name: string;
  kind: 'text' | 'integer' | 'number' | 'flag' | 'list' | 'mapping' | 'any';
  default: unknown;
  /** The default as the notebook writes it. */
  source: string;
  choices: unknown[];
  may_be_none: boolean;
  what: string;
}

/** What a run of the revision that is open begins with, and what there is to choose. */
export interface IRunForm {
  lab: string;
  revision: number;
  path: string;
  files: string[];
  image: string;
  flavour: string;
  images: { name: string; title: string }[];
  flavours: { name: string; title: string }[];
  parameters: IRunParameter[];
  /** How many files here differ from that revision. */
  unpublished: number;
}

/** What is to run, and where; what is empty is taken from the lab. */
export interface IRunWish {
  file: string;
  image: string;
  flavour: string;
  parameters: { [name: string]: string };
}
