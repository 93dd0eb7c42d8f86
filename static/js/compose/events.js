// What comes in: server-sent events, refusals, and what both mean in words.

export const LOST = "The server could not write just now. Nothing you typed is lost; try again.";

export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const parts = text.split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        const event = readEvent(part);
        if (event.data) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

export function readEvent(part) {
  const event = { name: "message", data: "" };
  for (const line of part.split("\n")) {
    if (line.startsWith("event: ")) event.name = line.slice(7);
    if (line.startsWith("data: ")) event.data += line.slice(6);
  }
  return event;
}

// Why nothing was written: {words, fields, seconds}; `seconds` is when to try again, null where that would not help.
export function troubleOf(status, body, retryAfter) {
  const seconds = [429, 503].includes(status) && Number(retryAfter) > 0 ? Math.ceil(Number(retryAfter)) : null;
  if (body?.detail) return { words: [body.detail].flat().join(" "), fields: {}, seconds };
  if (status === 400 && body && typeof body === "object") return { words: "", fields: body, seconds };
  return { words: LOST, fields: {}, seconds };
}

export async function refusalOf(response) {
  const body = await response.json().catch(() => null);
  return troubleOf(response.status, body, response.headers.get("Retry-After"));
}

export function sayWaiting(position) {
  const before = position - 1;
  if (before < 1) return "You are next";
  return `${before} ${before === 1 ? "person is" : "people are"} before you`;
}

export function saySoon(seconds) {
  return `Trying again in ${seconds} s.`;
}

export function sayShort(seconds) {
  return seconds < 0.1 ? "under 0.1 s" : `${seconds.toFixed(1)} s`;
}
