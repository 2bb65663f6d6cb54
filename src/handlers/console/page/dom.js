// Small helpers to build the document. Text goes in as text, never as markup.

export const byId = (id) => document.getElementById(id);

export const element = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
};

// Replaces what an element holds only where it changes, so that a reader's place and focus stay.
export const fill = (node, ...children) => {
  const fresh = element(node.tagName, {}, ...children);
  if (node.childNodes.length === fresh.childNodes.length && [...fresh.childNodes].every((child, index) => child.isEqualNode(node.childNodes[index]))) {
    return false;
  }
  node.replaceChildren(...fresh.childNodes);
  return true;
};

export const showDialog = (...children) => {
  const dialog = byId("dialog");
  dialog.replaceChildren(...children.flat().filter(Boolean));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  return dialog;
};

export const closeDialog = () => byId("dialog").close();

// Whether a part of the dialog is still before the person's eyes: answers that come late must not push away what has
// been opened since.
export const isShown = (part) => part.isConnected && byId("dialog").open;
