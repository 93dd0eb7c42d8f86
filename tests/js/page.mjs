// The little of a page that the modules under test touch.

export function element(properties = {}) {
  const listeners = {};
  const attributes = {};
  return {
    dataset: {},
    style: {},
    textContent: "",
    addEventListener: (name, listener) => { (listeners[name] ??= []).push(listener); },
    dispatchEvent: (event) => { (listeners[event.type] ?? []).forEach((listener) => listener(event)); },
    setAttribute: (name, value) => { attributes[name] = value; },
    removeAttribute: (name) => { delete attributes[name]; },
    getAttribute: (name) => attributes[name] ?? null,
    querySelector: () => null,
    querySelectorAll: () => [],
    matches: () => false,
    ...properties,
  };
}
