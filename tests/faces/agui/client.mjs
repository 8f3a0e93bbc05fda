// Runs one case with the real package against a real server and prints what the client has in the end, as JSON.
//
//     node client.mjs CASE URL

import { HttpAgent, buildResumeArray } from "@ag-ui/client";
import { surviving } from "../../../examples/agui/surviving.mjs";

// The package tells of every stream that was cut; here they are cut on purpose.
console.error = () => {};
// Where a browser only says so, node ends the program.
process.on("unhandledRejection", () => {});

const Surviving = surviving(HttpAgent);
const [, , name, url] = process.argv;
const user = (id, content) => ({ id, role: "user", content });

/** An agent of the server, with a user's message. */
function agent(Kind, path, config = {}) {
  const made = new Kind({ url: `${url}/agui/${path}`, threadId: "chat", ...config });
  made.messages = [user("u1", "Hi")];
  return made;
}

/** Runs, and gives what came. */
async function run(agent, parameters = {}, subscriber = {}) {
  const seen = { events: [], outcome: undefined, error: undefined };
  let stopReason;
  try {
    const { result } = await agent.runAgent(parameters, {
      ...subscriber,
      onEvent: ({ event }) => void seen.events.push(event.type),
      onRunFinishedEvent: ({ event, pendingToolCallIds }) => {
        seen.outcome = event.outcome;
        seen.usage = event.usage;
        seen.run = event.metadata.outlive.run;
        seen.pending = pendingToolCallIds;
      },
      onRunErrorEvent: ({ event }) => {
        seen.error = { code: event.code, message: event.message };
        seen.run = event.metadata.outlive.run;
      },
    });
    seen.result = result;
  } catch (error) {
    stopReason = { message: error.message, status: error.status, payload: error.payload };
  }
  return { ...seen, failed: stopReason, messages: agent.messages, state: agent.state };
}

/** A fetch whose n-th answer is cut behind so many bytes; nothing for one that is not cut. */
function cutting(cuts) {
  return async (input, init) => {
    const response = await fetch(input, init);
    let left = cuts.shift();
    if (left === undefined || !response.body) return response;
    const cut = (chunk, controller) => {
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) controller.error(new Error("cut"));
    };
    return new Response(response.body.pipeThrough(new TransformStream({ transform: cut })), response);
  };
}

/** Says so once there is text. */
function begun() {
  let told = false;
  return {
    onTextMessageContentEvent: () => {
      if (!told) process.stdout.write("begun\n");
      told = true;
    },
  };
}

/** Numbers that are the same each time (mulberry32). */
function* numbers(seed) {
  for (;;) {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    yield ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}

const cases = {
  async full() {
    return run(agent(HttpAgent, "talk"));
  },

  /** Cut again and again, and on from the cursor. */
  async cut() {
    const random = numbers(Number(process.argv[4] ?? 1));
    const cuts = Array.from({ length: 12 }, () => 200 + Math.floor(random.next().value * 1500));
    const cut = agent(Surviving, "talk", { fetch: cutting(cuts) });
    const seen = await run(cut);
    return { ...seen, n_cuts: 12 - cuts.length };
  },

  /** The package as it is: cut, and the same request again with what it has. */
  async again() {
    const cut = agent(HttpAgent, "talk", { fetch: cutting([900, 1800, 2700]) });
    let seen;
    for (let n = 0; n < 4; n += 1) seen = await run(cut, { runId: "again" });
    return seen;
  },

  /** The server dies in the middle and comes back. */
  async killed() {
    return run(agent(Surviving, "slow"), {}, begun());
  },

  /** Two tabs, each cut anywhere again and again: one as the package is, one that goes on from its cursor. */
  async random() {
    const threadId = process.argv[4];
    const [plain, kept] = [HttpAgent, Surviving].map((Kind) => agent(Kind, "mixed", { threadId }));
    const begins = begun();
    const again = async () => {
      for (;;) {
        const seen = await run(plain, { runId: threadId }, begins);
        if (seen.outcome || seen.failed?.status) return seen;
      }
    };
    return Promise.all([again(), run(kept, { runId: threadId }, begins)]);
  },

  /** Whoever asks for the same run again. */
  async same() {
    return run(agent(HttpAgent, "slow"), { runId: "same" }, begun());
  },

  async stopped() {
    return run(agent(HttpAgent, "slow"), { runId: "stopped" }, {
      onTextMessageStartEvent: () => void fetch(`${url}/agui/runs/stopped/stop`, { method: "POST" }),
    });
  },

  async asked() {
    const asked = agent(HttpAgent, "ask");
    const first = await run(asked);
    const [approval] = first.outcome.interrupts;
    const answer = (interrupts, payload) =>
      buildResumeArray(interrupts, { [interrupts[0].id]: { status: "resolved", payload } });
    const second = await run(asked, { resume: answer([approval], { approved: true }) });
    const third = await run(asked, { resume: answer(second.outcome.interrupts, { answer: "red" }) });
    return { ...third, interrupts: [approval, ...second.outcome.interrupts], pendingInterrupts: asked.pendingInterrupts };
  },

  async bought() {
    const buyer = agent(HttpAgent, "buyer");
    const first = await run(buyer);
    const { interrupts } = first.outcome;
    const answers = { [interrupts[0].id]: { status: "resolved", payload: { approved: true } } };
    const second = await run(buyer, { resume: buildResumeArray(interrupts, answers) });
    return { ...second, interrupts };
  },

  async tool() {
    const tooled = agent(HttpAgent, "model");
    const tools = [{ name: "pick", description: "Picks a colour", parameters: { type: "object" } }];
    const first = await run(tooled, { tools });
    const [call] = first.pending;
    tooled.messages.push({ id: "picked", role: "tool", toolCallId: call, content: "red" });
    const second = await run(tooled, { tools });
    return { ...second, first: first.outcome };
  },

  async plain() {
    return run(agent(HttpAgent, "model"));
  },

  async structured() {
    return run(agent(HttpAgent, "structured"));
  },

  async failed() {
    const failed = await run(agent(HttpAgent, "bad"));
    const busy = agent(HttpAgent, "stuck", { threadId: "busy" });
    const first = run(busy, {}, { onTextMessageStartEvent: () => started() });
    let started;
    await new Promise((go) => (started = go));
    const second = await run(agent(HttpAgent, "stuck", { threadId: "busy" }));
    busy.abortRun();
    await first;
    return { ...failed, busy: second.failed };
  },

  /** The end is there already: once from the beginning, once for who has seen it. */
  async later() {
    const first = agent(HttpAgent, "talk");
    const seen = await run(first, { runId: "later" });
    const second = await run(agent(HttpAgent, "talk"), { runId: "later" });
    const third = await fetch(`${url}/agui/runs/later`, { headers: { "Last-Event-ID": "1000.0" } });
    return { ...second, same: JSON.stringify(seen.messages) === JSON.stringify(second.messages), third: third.status };
  },

  /** Two tabs on one run, one of them cut. */
  async tabs() {
    const tabs = [agent(HttpAgent, "talk"), agent(Surviving, "talk", { fetch: cutting([700, 1200]) })];
    const [one, two] = await Promise.all(tabs.map((tab) => run(tab, { runId: "tabs" })));
    return { ...two, same: JSON.stringify(one.messages) === JSON.stringify(two.messages) };
  },

  /** A second message on the thread, and the first one again in other words. */
  async edited() {
    const edited = agent(HttpAgent, "talk");
    const first = await run(edited);
    edited.messages.push(user("u2", "And?"));
    const second = await run(edited);
    edited.messages = [user("u3", "Hello")];
    const third = await run(edited);
    return { ...third, runs: [first.run, second.run, third.run] };
  },
};

process.stdout.write(`${JSON.stringify(await cases[name]())}\n`);
process.exit(0);
