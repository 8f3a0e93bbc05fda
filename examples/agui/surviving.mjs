// The few lines that make an AG-UI client survive: `class Agent extends surviving(HttpAgent) {}`.
//
// A stream that ends without RUN_FINISHED or RUN_ERROR was cut (a tunnel, a deploy, a closed lid). Then the same request
// is sent again with the cursor of the last event that was read, and the stream goes on where it was.

const PAUSES_MS = [250, 500, 1000, 2000, 5000];

export const surviving = (HttpAgent) =>
  class extends HttpAgent {
    #cursor;

    requestInit(input) {
      const init = super.requestInit(input);
      return this.#cursor ? { ...init, headers: { ...init.headers, "Last-Event-ID": this.#cursor } } : init;
    }

    constructor(config) {
      super(config);
      const fetch = this.fetch;
      this.fetch = async (url, init) => this.#watched(await fetch(url, init));
    }

    async runAgent(parameters = {}, subscriber) {
      const runId = parameters.runId ?? crypto.randomUUID();
      let isOver = false;
      const over = () => void (isOver = true);
      const watch = this.subscribe({ onRunFinishedEvent: over, onRunErrorEvent: over });
      this.#cursor = undefined;
      try {
        for (let n = 0; ; n += 1) {
          const before = this.#cursor;
          try {
            const result = await super.runAgent({ ...parameters, runId }, subscriber);
            if (isOver || this.abortController.signal.aborted) return result;
          } catch (error) {
            // The server has refused: the same request is refused again.
            if (isOver || (error.status >= 400 && error.status < 500 && error.status !== 429)) throw error;
          }
          if (this.#cursor !== before) n = 0;
          await new Promise((wake) => setTimeout(wake, PAUSES_MS[Math.min(n, PAUSES_MS.length - 1)]));
        }
      } finally {
        watch.unsubscribe();
        this.#cursor = undefined;
      }
    }

    // Passes on whole events and notes their ids. A connection that breaks reads as an end: the package forgets what it has
    // read and not yet applied when a stream fails.
    #watched(response) {
      if (!response.ok || !response.body) return response;
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      const encoder = new TextEncoder();
      let rest = "";
      const pull = async (controller) => {
        for (;;) {
          const { done, value } = await reader.read().catch(() => ({ done: true }));
          if (done) return controller.close();
          rest += decoder.decode(value, { stream: true });
          const end = rest.lastIndexOf("\n\n") + 2;
          if (end < 2) continue;
          const events = rest.slice(0, end);
          rest = rest.slice(end);
          for (const [, id] of events.matchAll(/^id: (.*)$/gm)) this.#cursor = id;
          return controller.enqueue(encoder.encode(events));
        }
      };
      const cancel = (reason) => reader.cancel(reason).catch(() => {});
      const { status, headers } = response;
      return new Response(new ReadableStream({ pull, cancel }), { status, headers });
    }
  };
