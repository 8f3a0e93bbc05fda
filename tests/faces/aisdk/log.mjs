// What a run's log says, worked out without any of the server's own translation.

/** All events of a run. */
export async function log(server, run) {
  const events = [];
  for (let after = 0; ; ) {
    const page = await (await fetch(`${server}/v1/runs/${run}/events?after=${after}`)).json();
    events.push(...page.events);
    after = page.next;
    if (page.final) return events;
    if (page.events.length === 0) throw new Error("the run has not ended");
  }
}

/** The parts of the message that a log is, in short: `[kind, what]`. */
export function parts(events) {
  const discarded = new Set(
    events.filter((event) => event.type === "message.discarded").map((event) => event.data.message),
  );
  const parts = [];
  const byKey = new Map();
  const add = (key, part) => {
    if (!byKey.has(key)) {
      byKey.set(key, part);
      parts.push(part);
    }
    return byKey.get(key);
  };
  for (const { type, data } of events) {
    if (discarded.has(data.message)) continue;
    if (type === "text.delta") add(`${data.message}.${data.part}`, ["text", ""])[1] += data.text;
    if (type === "reasoning.delta") add(`${data.message}.${data.part}`, ["reasoning", ""])[1] += data.text;
    if (type === "tool.started") add(data.call, ["tool", { name: data.name }]);
    if (type === "tool.called") add(data.call)[1].input = data.args;
    if (type === "tool.completed") {
      // The client has one word for all that is not well.
      const status = ["interrupted", "unknown"].includes(data.status) ? "failed" : data.status;
      Object.assign(add(data.call)[1], { status, output: data.result });
    }
  }
  return parts;
}

const states = { "output-available": "ok", "output-error": "failed", "output-denied": "denied" };

/** The same of a message of the client's. Requests that no call makes are not in the list of calls. */
export function seen(message) {
  const gone = new Set(
    message.parts.filter((part) => part.type === "data-message-discarded").map((part) => part.data.message),
  );
  const parts = message.parts.flatMap((part) => {
    if (gone.has(part.providerMetadata?.outlive?.message)) return [];
    if (part.type === "text" || part.type === "reasoning") return [[part.type, part.text]];
    const isCall = part.type === "dynamic-tool" || part.type.startsWith("tool-");
    if (!isCall || /-q\d+$/.test(part.toolCallId)) return [];
    const name = part.toolName ?? part.type.slice("tool-".length);
    return [["tool", { name, input: part.input, status: states[part.state], output: part.output }]];
  });
  return parts;
}
