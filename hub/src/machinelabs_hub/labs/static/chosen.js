// The files that a person chose, or dropped, with the paths that they will have in a dataset.
(() => {
  const isHidden = (path) => path.split("/").some((part) => part.startsWith("."));

  // What a folder holds lies in the dataset without that folder's own name, as `ml dataset push` sends it.
  const below = (path) => path.slice(path.indexOf("/") + 1);

  const ofInput = (input) =>
    [...input.files].map((file) => ({
      path: file.webkitRelativePath ? below(file.webkitRelativePath) : file.name,
      file,
    }));

  const fileOf = (entry) => new Promise((done, failed) => entry.file(done, failed));
  const entriesOf = async (folder) => {
    const reader = folder.createReader();
    const found = [];
    for (;;) {
      // Browsers give at most so many at a time.
      const some = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (!some.length) return found;
      found.push(...some);
    }
  };
  const walk = async (entry, path) => {
    if (entry.isFile) return [{ path, file: await fileOf(entry) }];
    const found = [];
    for (const one of await entriesOf(entry)) {
      found.push(...(await walk(one, path ? `${path}/${one.name}` : one.name)));
    }
    return found;
  };
  // Of a drop all entries have to be taken at once: afterwards the browser forgets them.
  const ofDrop = async (transfer) => {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const isOneFolder = entries.length === 1 && entries[0].isDirectory;
    const found = [];
    for (const entry of entries) found.push(...(await walk(entry, isOneFolder ? "" : entry.name)));
    return found;
  };

  class Chosen {
    files = new Map();
    hidden = 0;

    add(found) {
      for (const { path, file } of found) {
        if (isHidden(path)) this.hidden += 1;
        // Macs take accents apart; everywhere else such a name would be another one.
        else this.files.set(path.normalize("NFC"), file);
      }
    }

    get size() {
      return [...this.files.values()].reduce((sum, file) => sum + file.size, 0);
    }
  }

  window.mlChosen = { Chosen, ofInput, ofDrop };
})();
