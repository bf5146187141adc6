// A worker: reads the first rows of a Parquet file from its address, in parts, and never more than a
// preview is worth. What it cannot read it says in a sentence.
(() => {
  const ROWS = 50;
  const COLUMNS = 60;
  const CELL = 200;
  const MIB = 1 << 20;
  const FOOTER = 16 * MIB;
  const AT_ALL = 64 * MIB;
  const PAGE = 64 * MIB;
  const GROUPS = 20;
  // Writers make pages of about one MiB, and a dictionary of as much may stand before them.
  const BEGINNING = 2.5 * MIB;

  class TooMuch extends Error {}
  class Unreachable extends Error {}

  // The file as the library wants it, with its appetite limited.
  const fileAt = (url, byteLength) => {
    let taken = 0;
    let whole = null;
    const get = async (start, end) => {
      const answer = await fetch(url, { headers: { Range: `bytes=${start}-${end - 1}` } });
      if (!answer.ok) throw new Unreachable(String(answer.status));
      if (answer.status === 206) return answer.arrayBuffer();
      // Files of revisions come whole.
      if (byteLength > AT_ALL) throw new TooMuch();
      whole = await answer.arrayBuffer();
      return whole.slice(start, end);
    };
    return {
      byteLength,
      async slice(start, end = byteLength) {
        if (!(start >= 0 && start <= end && end <= byteLength)) throw new RangeError("outside of the file");
        if (whole) return whole.slice(start, end);
        if (taken + end - start > AT_ALL) throw new TooMuch();
        taken += end - start;
        return start === end ? new ArrayBuffer(0) : get(start, end);
      },
    };
  };

  const compressors = Object.fromEntries(
    Object.entries(self.mlHyparquet.unpack).map(([codec, unpack]) => [
      codec,
      (input, size) => {
        if (size > PAGE) throw new TooMuch();
        return unpack(input, new Uint8Array(size));
      },
    ]),
  );

  // Many writers do not say which of their bytes are text.
  const texted = (bytes) => {
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, 4 * CELL), { stream: true });
      if (!/[\x00-\x08\x0e-\x1f]/.test(text)) return text.slice(0, CELL);
    } catch {
      // It is none.
    }
    return `${bytes.length} bytes`;
  };
  const shown = (value) => {
    if (value === null || value === undefined) return null;
    if (value instanceof Date)
      return Number.isNaN(value.getTime()) ? "" : value.toISOString().replace("T00:00:00.000Z", "");
    if (value instanceof Uint8Array) return texted(value);
    if (typeof value !== "object") return String(value).slice(0, CELL);
    const plain = (_, one) => {
      if (typeof one === "bigint") return Number.isSafeInteger(Number(one)) ? Number(one) : String(one);
      return ArrayBuffer.isView(one) ? [...one] : one;
    };
    return JSON.stringify(value, plain).slice(0, CELL);
  };

  // The same description, but of each column only its beginning: rows are read from there as far as it goes.
  const shortened = (metadata) => ({
    ...metadata,
    row_groups: metadata.row_groups.map((group) => ({
      ...group,
      columns: group.columns.map((column) => {
        const size = column.meta_data.total_compressed_size;
        const most = BigInt(BEGINNING);
        return { ...column, meta_data: { ...column.meta_data, total_compressed_size: size < most ? size : most } };
      }),
    })),
  });

  const readColumn = async (file, metadata, name, rowEnd) => {
    const asked = { file, columns: [name], rowStart: 0, rowEnd, compressors, utf8: false };
    const rows = async (described) => {
      const found = await self.mlHyparquet.parquetReadObjects({ ...asked, metadata: described });
      if (found.length < rowEnd) throw new RangeError("rows are missing");
      return found.map((row) => shown(row[name]));
    };
    try {
      return await rows(shortened(metadata));
    } catch (error) {
      if (error instanceof TooMuch || error instanceof Unreachable) throw error;
      // Lists are read to the end of what is there, where a page is cut; so they need all of it.
      return rows(metadata);
    }
  };

  const read = async (url, size) => {
    const file = fileAt(url, size);
    const tail = new DataView(await file.slice(Math.max(0, size - 8)));
    const footer = tail.byteLength === 8 ? tail.getUint32(0, true) : 0;
    if (tail.byteLength < 8 || tail.getUint32(4, true) !== 0x31524150 || footer + 12 > size) {
      return { fault: "This is no whole Parquet file." };
    }
    if (footer > FOOTER) throw new TooMuch();
    const metadata = await self.mlHyparquet.parquetMetadataAsync(file, { initialFetchSize: footer + 8 });
    const fields = self.mlHyparquet.parquetSchema(metadata).children;
    const count = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
    let near = 0;
    const groups = [];
    for (const group of metadata.row_groups.slice(0, GROUPS)) {
      if (near >= ROWS) break;
      groups.push(group);
      near += Number(group.num_rows);
    }
    const rowEnd = Math.min(ROWS, near);
    const first = { ...metadata, row_groups: groups };
    const columns = [];
    let leftOut = 0;
    for (const { element } of fields.slice(0, COLUMNS)) {
      try {
        const cells = rowEnd ? await readColumn(file, first, element.name, rowEnd) : [];
        columns.push({ name: element.name, cells });
      } catch (error) {
        if (!(error instanceof TooMuch)) throw error;
        leftOut += 1;
      }
    }
    if (!columns.length && leftOut) throw new TooMuch();
    return { columns, count, rows: rowEnd, fields: fields.length, leftOut };
  };

  const said = (error) => {
    if (error instanceof TooMuch) return "Its first rows lie among too much data to be read for a preview.";
    if (error instanceof Unreachable) return "The site did not give the file. Load the page again.";
    const codec = /unsupported compression codec: (\w+)/.exec(error.message);
    if (codec) return `Its columns are packed with ${codec[1]}, which is not read here.`;
    if (error instanceof TypeError && /fetch/i.test(error.message))
      return "The site could not be reached. Load the page again.";
    return "This Parquet file is broken, or of a kind that is not read here.";
  };

  self.addEventListener("message", ({ data: { url, size } }) => {
    read(url, size).then(
      (found) => self.postMessage(found),
      (error) => self.postMessage({ fault: said(error) }),
    );
  });
})();
