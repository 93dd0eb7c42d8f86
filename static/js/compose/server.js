// The three questions that the page asks the server.

import { eventsOf, refusalOf } from "./events.js";
import { explainedRequest } from "./request.js";

export class Server {
  constructor({ fetch, generateUrl, unknownWordsUrl, csrfToken }) {
    Object.assign(this, { fetch, generateUrl, unknownWordsUrl, csrfToken });
  }

  // A text as it is written: {name: "history" | "waiting" | "token" | "done", data}. Throws a trouble where it is refused.
  async *written(asked, { signal }) {
    const response = await this.post(this.generateUrl, asked, { signal, accept: "text/event-stream" });
    for await (const { name, data } of eventsOf(response.body)) yield { name, data: JSON.parse(data) };
  }

  // The same text with what the network thought of each piece. Throws a trouble.
  async explained(asked, { signal }) {
    const response = await this.post(this.generateUrl, explainedRequest(asked), { signal });
    return response.json();
  }

  // The words of a text that a model has never read. Throws a trouble.
  async unknownWords(model, text, { signal }) {
    const address = this.unknownWordsUrl.replace("MODEL", encodeURIComponent(model));
    const response = await this.post(address, { text }, { signal });
    return (await response.json()).words;
  }

  async post(address, body, { signal, accept = "application/json" }) {
    const headers = { "Content-Type": "application/json", Accept: accept, "X-CSRFToken": this.csrfToken() };
    const response = await this.fetch(address, { method: "POST", signal, headers, body: JSON.stringify(body) });
    if (!response.ok) throw await refusalOf(response);
    return response;
  }
}
