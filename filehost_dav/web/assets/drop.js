// What is dropped or pasted, as a flat list of {file, path} and {folder: true, path}.

/** The files and folders of a drop. Must be called while the event is handled; it may take a while. */
export function gather(transfer) {
  const roots = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile())
    .filter(Boolean);
  return Promise.all(
    roots.map((root) => (root instanceof File ? [{ file: root, path: root.name }] : walk(root))),
  ).then((lists) => lists.flat());
}

/** The files of a chooser; one for folders gives paths. */
export function chosen(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** The files of the clipboard. A picture without a name gets one by the time. */
export function pasted(transfer, now = new Date()) {
  return [...transfer.files].map((file) => {
    if (!/^image\.\w+$/.test(file.name)) return { file, path: file.name };
    const ending = file.name.slice(file.name.lastIndexOf("."));
    const stamp = new Date(now - now.getTimezoneOffset() * 60000)
      .toISOString()
      .slice(0, 19)
      .replace("T", " ")
      .replaceAll(":", ".");
    return { file, path: `${stamp}${ending}` };
  });
}

export const hasFiles = (transfer) => [...transfer.types].includes("Files");

async function walk(root) {
  const found = [];
  const waiting = [root];
  while (waiting.length) {
    const entry = waiting.pop();
    const path = entry.fullPath.slice(1);
    if (entry.isFile)
      found.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path });
    else {
      found.push({ folder: true, path });
      waiting.push(...(await members(entry)));
    }
  }
  return found;
}

async function members(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    // Browsers give a hundred at a time.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
