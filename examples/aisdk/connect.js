// All that a page needs beside useChat, which works without any of it: a connection that comes back by itself, a stop
// that stops the run, the messages for a page load, and the runs that other tabs or a schedule have started.

const json = { "content-type": "application/json" };

/** An address below the chats', which may have a query. */
function below(api, ...path) {
  const [base, query] = api.split("?");
  const rest = path.map((piece) => `/${encodeURIComponent(piece)}`).join("");
  return query ? `${base}${rest}?${query}` : `${base}${rest}`;
}

/** For `new DefaultChatTransport({ api, fetch: comeBack(api) })`: a stream that breaks off goes on where it was. */
export function comeBack(api, { fetch = globalThis.fetch, pauseMs = 500 } = {}) {
  return async (url, init = {}) => {
    // Whoever counts chunks is given the same ones each time, also those of text that is gone.
    const isResume = (init.method ?? "GET") === "GET" && !/[?&]startIndex=/.test(url);
    const response = await fetch(isResume ? `${url}${url.includes("?") ? "&" : "?"}startIndex=0` : url, init);
    const stretch = response.headers.get("x-workflow-run-id");
    if (!response.ok || !response.body || !stretch) return response;
    const { method, body, ...again } = init;
    const at = below(api, stretch, "stream");
    const ask = (n) => fetch(`${at}${at.includes("?") ? "&" : "?"}startIndex=${n}`, again);
    return new Response(whole(response.body, ask, pauseMs, init.signal), response);
  };
}

/** The frames of a stream to its end mark; whole ones only, so that their count says where to go on. */
function whole(first, ask, pauseMs, signal) {
  let reader;
  let isCancelled = false;
  const frames = async function* () {
    let n = 0;
    for (let body = first; ; ) {
      try {
        reader = body.pipeThrough(new TextDecoderStream()).getReader();
        let text = "";
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          const parts = (text + value).split("\n\n");
          text = parts.pop();
          for (const frame of parts) {
            if (frame.startsWith("data: ")) n += 1;
            yield `${frame}\n\n`;
            if (frame === "data: [DONE]") return;
          }
        }
      } catch (error) {
        if (signal?.aborted) throw error;
      }
      do {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        if (isCancelled || signal?.aborted) return;
        body = await ask(n).then(
          async (answer) => {
            if (answer.ok) return answer.body;
            // Asked again later, it would be the same.
            if (answer.status < 500 && answer.status !== 429) throw new Error(await answer.text());
          },
          () => undefined,
        );
      } while (!body);
    }
  };
  const source = frames();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(new TextEncoder().encode(value));
    },
    cancel(why) {
      isCancelled = true;
      return reader?.cancel(why).catch(() => {});
    },
  });
}

/** The messages of a chat, for `useChat({ messages })`. */
export async function load(api, chat, { fetch = globalThis.fetch, headers } = {}) {
  const answer = await fetch(below(api, chat, "messages"), { headers });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).messages;
}

/** Stops the run of a message; `chat.stop()` only closes the connection. */
export async function stop(api, chat, run, { fetch = globalThis.fetch, headers } = {}) {
  const body = JSON.stringify(run ? { run } : {});
  const answer = await fetch(below(api, chat, "stop"), {
    method: "POST",
    headers: { ...json, ...headers },
    body,
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

const isFinal = (status) => ["succeeded", "failed", "aborted"].includes(status);

/**
 * Shows in an idle tab what another one or a schedule has started. `chat` is what `useChat` gives, or a `Chat`. Messages are
 * merged by their ids, and never while the tab has a stream of its own.
 */
export async function watch(api, chat, { fetch = globalThis.fetch, headers, signal, onIdle } = {}) {
  const idle = () => chat.status === "ready" || chat.status === "error";
  const isOpen = ({ metadata }) => metadata?.runId && !isFinal(metadata.status) && metadata.status !== "waiting";
  const catchUp = async () => {
    let stored;
    do {
      if (!idle()) return;
      stored = await load(api, chat.id, { fetch, headers });
      if (!idle()) return;
      set(chat, merged(chat.messages, stored));
      // Nothing is under way any more if the stream is not there: then all of it is stored.
      if (stored.some(isOpen) || stored.at(-1)?.role === "user") await chat.resumeStream();
    } while (chat.messages.some(isOpen));
    onIdle?.();
  };
  const feed = new URL("/v1/feed", new URL(api, globalThis.location?.href));
  while (!signal?.aborted) {
    try {
      const answer = await fetch(feed, { headers, signal });
      if (!answer.ok) throw new Error(await answer.text());
      // What has happened while nobody looked.
      await catchUp();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const frames = (text + value).split("\n\n");
        text = frames.pop();
        const changes = frames.map((frame) => frame.match(/^event: run\ndata: (.*)$/m)?.[1]).filter(Boolean);
        const news = changes.map(JSON.parse).filter((change) => change.thread_id === chat.id);
        const knows = (change) =>
          chat.messages.some((message) => message.id === change.run_id && isFinal(message.metadata?.status));
        if (news.some((change) => !knows(change)) || frames.includes("event: reset\ndata: {}")) await catchUp();
      }
    } catch (error) {
      if (signal?.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/** The messages of a tab with those of the server, each once. */
export function merged(shown, stored) {
  const byId = new Map(stored.map((message) => [message.id, message]));
  const kept = shown.map((message) => byId.get(message.id) ?? message);
  const known = new Set(shown.map((message) => message.id));
  return [...kept, ...stored.filter((message) => !known.has(message.id))];
}

function set(chat, messages) {
  if (chat.setMessages) chat.setMessages(messages);
  else chat.messages = messages;
}

/** The parts of a message without those of text that was said again. */
export function shown(message) {
  const discarded = new Set(
    message.parts.filter((part) => part.type === "data-message-discarded").map((part) => part.data.message),
  );
  return message.parts.filter((part) => !discarded.has(part.providerMetadata?.outlive?.message));
}
