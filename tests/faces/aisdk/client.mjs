// Drives the AI SDK's own clients against a server: `node client.mjs SERVER CASE`. What arrives is compared with the log.

import assert from "node:assert/strict";
import "./resolve.mjs";
import { Chat } from "@ai-sdk/react";
import {
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
} from "ai";
import { log, parts, seen } from "./log.mjs";

const { comeBack, load, merged, shown, stop, watch } = await import("../../../examples/aisdk/connect.js");
const [server, name] = process.argv.slice(2);
const api = (agent) => `${server}/aisdk/${agent}`;

/** A tab with a chat in it. */
function tab(agent, id, { messages = [], transport, ...more } = {}) {
  const chat = new Chat({ id, messages, transport: transport ?? new DefaultChatTransport({ api: api(agent) }), ...more });
  return chat;
}

/** The tab of a page that was loaded again, and came back to what is under way. */
async function reloaded(agent, id, more) {
  const chat = tab(agent, id, { messages: await load(api(agent), id), ...more });
  await chat.resumeStream();
  return chat;
}

/** A tab goes on by itself when everything was answered. */
const automatic = {
  sendAutomaticallyWhen: (it) =>
    lastAssistantMessageIsCompleteWithApprovalResponses(it) || lastAssistantMessageIsCompleteWithToolCalls(it),
};

/** Waits for what a tab comes to. */
async function until(what, tries = 400) {
  for (let n = 0; n < tries; n += 1) {
    const found = await what();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`it never came: ${what}`);
}

const last = (chat) => chat.messages.at(-1);
const plain = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
const native = async (path, init) => (await fetch(`${server}/v1${path}`, init)).json();

/** Checks the last message of a chat against the log of its run and against what a page that is loaded later gets. */
async function check(chat, agent) {
  const message = last(chat);
  assert.equal(message.role, "assistant");
  const events = await log(server, message.id);
  assert.deepEqual(plain(seen(message)), plain(parts(events)));
  const stored = await load(api(agent), chat.id);
  assert.deepEqual(
    stored.map(({ id, role }) => [id, role]),
    plain(chat.messages).map(({ id, role }) => [id, role]),
  );
  assert.deepEqual(comparable(stored.at(-1)), comparable(message));
  return events;
}

/** A message without what only one of stream and page has: order of our own data, ids of parts, text that was said again. */
function comparable(message) {
  const kept = plain(shown(message)).filter((part) => !part.type.startsWith("data-message"));
  const parts = kept.map(({ id, ...part }) => (part.type.startsWith("data-") ? { id, ...part } : part));
  // To the client it is the same whether it is not said that we have performed a call, or said that we have not.
  for (const part of parts) if (part.providerExecuted === false) delete part.providerExecuted;
  const isOurs = (part) => part.type.startsWith("data-");
  const data = parts.filter(isOurs).map(({ data: { grants: _, ...data }, ...part }) => ({ ...part, data }));
  return {
    metadata: plain(message.metadata),
    parts: parts.filter((part) => !isOurs(part) && part.type !== "step-start"),
    data: data.sort((a, b) => (a.type + a.id < b.type + b.id ? -1 : 1)),
  };
}

const cases = {
  async "a full run"() {
    const chat = tab("writer", "full");
    const [statuses, off] = [[], chat["~registerStatusCallback"](() => statuses.push(chat.status))];
    await chat.sendMessage({ text: "Hi" });
    off();
    assert.deepEqual(statuses, ["submitted", "streaming", "ready"]);
    const events = await check(chat, "writer");
    assert.equal(events.at(-1).data.status, "succeeded");
    const { metadata } = last(chat);
    assert.equal(metadata.runId, last(chat).id);
    assert.equal(metadata.status, "succeeded");
    assert.ok(metadata.usage.outputTokens > 0);
    // A second message follows the first, and the model is told of it by the thread.
    await chat.sendMessage({ text: "More" });
    await check(chat, "writer");
    assert.equal(chat.messages.length, 4);
  },

  async "cut anywhere and resumed"() {
    const whole = [];
    for (const cut of [1, 2, 3, 5, 8, 13, 21, 34]) {
      const id = `cut-${cut}`;
      const cutting = async (url, init) => {
        const ends = new AbortController();
        const response = await fetch(url, { ...init, signal: ends.signal });
        let n = 0;
        const counted = new TransformStream({
          transform(bytes, controller) {
            controller.enqueue(bytes);
            n += new TextDecoder().decode(bytes).split("\n\n").length - 1;
            if (n >= cut) ends.abort(new TypeError("network error"));
          },
        });
        return new Response(response.body.pipeThrough(counted), response);
      };
      whole.push(
        (async () => {
          const chat = tab("slow", id, { transport: new DefaultChatTransport({ api: api("slow"), fetch: cutting }) });
          await chat.sendMessage({ text: "Hi" });
          assert.equal(chat.status, "error", `cut after ${cut}`);
          // The same tab, and the page loaded again.
          chat.transport.fetch = fetch;
          const [again] = await Promise.all([reloaded("slow", id), chat.resumeStream()]);
          assert.equal(chat.status, "ready", chat.error?.message);
          assert.deepEqual(plain(seen(last(chat))), plain(seen(last(again))));
          await check(again, "slow");
          await check(chat, "slow");
        })(),
      );
    }
    await Promise.all(whole);
  },

  async "a connection that comes back by itself"() {
    const cuts = [3, 5, 2, 4, 1, 7, 100, 1000];
    let n_streams = 0;
    const cutting = async (url, init) => {
      const ends = new AbortController();
      const response = await fetch(url, { ...init, signal: ends.signal });
      let left = cuts[n_streams++] ?? Infinity;
      const counted = new TransformStream({
        transform(bytes, controller) {
          // In the middle of a frame.
          controller.enqueue(left > 1 ? bytes : bytes.slice(0, bytes.length / 2));
          if (--left <= 0) ends.abort(new TypeError("network error"));
        },
      });
      return new Response(response.body.pipeThrough(counted), response);
    };
    const back = comeBack(api("slow"), { fetch: cutting, pauseMs: 10 });
    const chat = tab("slow", "back", { transport: new DefaultChatTransport({ api: api("slow"), fetch: back }) });
    await chat.sendMessage({ text: "Hi" });
    assert.equal(chat.status, "ready", chat.error?.message);
    assert.ok(n_streams > 5, `${n_streams} streams`);
    await check(chat, "slow");
  },

  async "cut at random"() {
    // Two tabs: one as the package is, which reads from the beginning each time, and one that goes on where it was.
    const id = process.argv[4];
    const back = comeBack(api("mixed"), { pauseMs: 10 });
    const plainTab = tab("mixed", id);
    const kept = tab("mixed", id, { transport: new DefaultChatTransport({ api: api("mixed"), fetch: back }) });
    const sent = plainTab.sendMessage({ text: "Hi" });
    await until(() => last(plainTab)?.metadata?.runId || plainTab.status === "error");
    const toEnd = async (chat) => {
      while (chat.status !== "ready" || last(chat)?.metadata?.status !== "succeeded") {
        await new Promise((resolve) => setTimeout(resolve, 10));
        const stored = await load(api("mixed"), id).catch(() => undefined);
        if (!stored) continue;
        chat.messages = merged(chat.messages, stored);
        await chat.resumeStream();
      }
    };
    const ends = Promise.all([sent.then(() => toEnd(plainTab)), toEnd(kept)]);
    const said = (chat) => seen(last(chat) ?? { parts: [] }).some(([kind]) => kind === "text");
    await until(() => said(plainTab) || said(kept));
    console.log("begun");
    await ends;
    await check(plainTab, "mixed");
    await check(kept, "mixed");
    console.log(JSON.stringify("whole"));
  },

  async "a server that is killed"() {
    const back = comeBack(api("slow"), { pauseMs: 50 });
    const chat = tab("slow", "killed", { transport: new DefaultChatTransport({ api: api("slow"), fetch: back }) });
    const sent = chat.sendMessage({ text: "Hi" });
    await until(() => seen(last(chat) ?? { parts: [] })[0]?.[1]?.length > 20);
    console.log("kill");
    await sent;
    assert.equal(chat.status, "ready", chat.error?.message);
    const events = await check(chat, "slow");
    assert.ok(events.some((event) => event.type === "attempt.started" && event.attempt === 2));
  },

  async "text that is said again"() {
    const chat = tab("again", "again");
    const other = tab("again", "again");
    const sent = chat.sendMessage({ text: "Hi" });
    await sent;
    await check(chat, "again");
    const events = await log(server, last(chat).id);
    assert.ok(events.some((event) => event.type === "message.discarded"));
    // A replay has nothing of it.
    const stream = await fetch(`${api("again")}/${last(chat).id}/stream`);
    const replayed = await stream.text();
    assert.ok(!replayed.includes("data-message-discarded"), replayed);
    // Who counts chunks has the same ones wherever the stream is cut, also those of what is gone.
    const url = `${api("again")}/${last(chat).id}/stream`;
    const told = (text) => text.split("\n\n").filter((frame) => frame.startsWith("data: "));
    const whole = await (await fetch(`${url}?startIndex=0`)).text();
    for (let length = 0; length < whole.length; length += 100) {
      let isCut = false;
      const cutting = async (...asked) => {
        const response = await fetch(...asked);
        if (isCut) return response;
        isCut = true;
        return new Response((await response.text()).slice(0, length), response);
      };
      const back = await comeBack(api("again"), { fetch: cutting, pauseMs: 1 })(url);
      assert.deepEqual(told(await back.text()), told(whole));
    }
    assert.equal((await fetch(`${api("again")}/${other.id}/stream`)).status, 204);
  },

  async "a stop"() {
    const chat = tab("slow", "stop");
    const sent = chat.sendMessage({ text: "Hi" });
    await until(() => last(chat)?.metadata?.runId && seen(last(chat)).length > 0);
    const run = last(chat).metadata.runId;
    assert.equal((await stop(api("slow"), "stop", run)).stopped, true);
    await sent;
    assert.equal(chat.status, "ready");
    assert.equal(last(chat).metadata.status, "aborted");
    assert.equal(last(chat).metadata.reason, "stopped");
    await check(chat, "slow");
    // An old stop cuts no later run.
    const next = chat.sendMessage({ text: "Again" });
    await until(() => chat.messages.length === 4 && last(chat).metadata?.runId);
    assert.equal((await stop(api("slow"), "stop", run)).stopped, false);
    assert.equal((await stop(api("slow"), "stop")).stopped, true);
    await next;
    // The client's own stop closes its connection, and the run goes on.
    const n = chat.messages.length;
    const third = chat.sendMessage({ text: "On" });
    await until(() => chat.messages.length === n + 2 && seen(last(chat)).length > 0);
    await chat.stop();
    await third;
    await chat.resumeStream();
    assert.equal(last(chat).metadata.status, "succeeded");
    await check(chat, "slow");
  },

  async "an approval and a question"() {
    const chat = tab("ask", "asked", automatic);
    await chat.sendMessage({ text: "Hi" });
    const asked = (it) => last(it).parts.find((part) => part.state === "approval-requested");
    assert.equal(last(chat).metadata.status, "waiting");
    // Loaded again while it waits, it is the same.
    const again = await reloaded("ask", "asked", automatic);
    assert.deepEqual(plain(last(again)), plain(last(chat)));
    await again.addToolApprovalResponse({ id: asked(again).approval.id, approved: true });
    const question = await until(() => last(again).parts.find((part) => part.toolName === "ask_user"));
    await until(() => again.status === "ready");
    await again.addToolOutput({ tool: "ask_user", toolCallId: question.toolCallId, output: "blue" });
    await until(() => again.status === "ready" && last(again).metadata.status === "succeeded");
    const events = await check(again, "ask");
    assert.equal(events.find((event) => event.type === "approval.resolved").data.decision, "allow");
    assert.deepEqual(events.find((event) => event.type === "question.answered").data.answers, { answer: "blue" });
    // The first tab was late: it is told so, and does not try again by itself.
    await chat.addToolApprovalResponse({ id: asked(chat).approval.id, approved: false });
    await until(() => chat.status === "error");
    assert.match(chat.error.message, /\(request_answered\)$/);
    await chat.resumeStream();
    assert.equal(chat.status, "ready");
    // No, with a word.
    const denied = tab("ask", "denied", automatic);
    await denied.sendMessage({ text: "Hi" });
    await denied.addToolApprovalResponse({ id: asked(denied).approval.id, approved: false, reason: "too dear" });
    await until(() => last(denied).parts.find((part) => part.toolName === "ask_user"));
    const run = await native(`/runs/${last(denied).id}`);
    const { resolution } = run.snapshot.requests[0];
    assert.deepEqual([resolution.decision, resolution.note], ["deny", "too dear"]);
    assert.equal(last(denied).parts.find((part) => part.approval).state, "output-denied");
  },

  async "a tool of the page"() {
    const tools = [{ name: "where", description: "Where the user is", parameters: { type: "object", properties: {} } }];
    let n_calls = 0;
    const page = (chat) => ({
      ...automatic,
      transport: new DefaultChatTransport({ api: api("place"), body: { tools } }),
      onToolCall({ toolCall }) {
        if (toolCall.dynamic) return;
        n_calls += 1;
        const { toolName: tool, toolCallId } = toolCall;
        if (n_calls > 1) chat().addToolOutput({ tool, toolCallId, output: { city: "Ghent" } });
      },
    });
    let first, second;
    first = tab("place", "tool", page(() => first));
    await first.sendMessage({ text: "Where am I?" });
    assert.equal(n_calls, 1);
    assert.equal(last(first).metadata.status, "waiting");
    // The page goes away before it has answered; loaded again it does.
    const messages = await load(api("place"), "tool");
    second = tab("place", "tool", { messages, ...page(() => second) });
    await second.resumeStream();
    await until(() => second.status === "ready" && last(second).metadata.status === "succeeded");
    assert.equal(n_calls, 2);
    await check(second, "place");
    const call = last(second).parts.find((part) => part.type === "tool-where");
    assert.deepEqual(call.output, { city: "Ghent" });
    assert.match(seen(last(second)).at(-1)[1], /Ghent/);
    assert.equal((await native(`/runs?thread_id=tool`)).runs.length, 1, "the same run went on");
    // Read of once more, it is not called again.
    const replay = await fetch(`${api("place")}/${last(second).id}/stream`);
    assert.match(await replay.text(), /"tool-input-available".*"providerExecuted":true/);
  },

  async "structured output"() {
    const output_schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
    const transport = new DefaultChatTransport({ api: api("form"), body: { output_schema } });
    const chat = tab("form", "form", { transport });
    await chat.sendMessage({ text: "Name?" });
    const events = await check(chat, "form");
    const text = last(chat).parts.find((part) => part.type === "text").text;
    assert.deepEqual(JSON.parse(text), events.at(-1).data.output);
    assert.deepEqual(events.at(-1).data.output, { name: "Ana" });
  },

  async "an error"() {
    const chat = tab("bad", "bad");
    await chat.sendMessage({ text: "Hi" });
    assert.equal(chat.status, "error");
    const { error } = last(chat).metadata;
    assert.equal(chat.error.message, `${error.message} (${error.code})`);
    assert.equal(last(chat).metadata.status, "failed");
    await check(chat, "bad");
    const refused = async (agent, id, more, expected) => {
      const chat = tab(agent, id, { transport: new DefaultChatTransport({ api: api(agent), ...more }) });
      await chat.sendMessage({ text: "Hi" });
      assert.equal(chat.status, "error");
      assert.match(chat.error.message, expected);
    };
    await refused("riter", "x", {}, /did you mean `writer`\? \(agent_unknown\)$/);
    await refused("writer", "x", { body: { settings: { model: "a/b" } } }, /\(setting_not_overridable\)$/);
    const busy = tab("slow", "busy");
    const sent = busy.sendMessage({ text: "Hi" });
    await until(() => last(busy)?.role === "assistant");
    await refused("slow", "busy", {}, /\(run_already_active\)$/);
    await stop(api("slow"), "busy");
    await sent;
  },

  async "coming back after the end"() {
    const chat = tab("writer", "end");
    // Before the first message there is nothing to come back to, either.
    await chat.resumeStream();
    assert.deepEqual([chat.status, chat.messages.length], ["ready", 0]);
    await chat.sendMessage({ text: "Hi" });
    const before = plain(chat.messages);
    await chat.resumeStream();
    assert.equal(chat.status, "ready");
    assert.deepEqual(plain(chat.messages), before);
    const again = await reloaded("writer", "end");
    assert.deepEqual(plain(again.messages.map(comparable)), plain(chat.messages.map(comparable)));
  },

  async "two tabs"() {
    const first = tab("slow", "two");
    const ends = new AbortController();
    const second = tab("slow", "two");
    const watching = watch(api("slow"), second, { signal: ends.signal });
    const sent = first.sendMessage({ text: "Hi" });
    // The idle tab shows the message and the answer while it grows.
    await until(() => second.status === "streaming");
    await sent;
    await until(() => second.status === "ready" && last(second).metadata?.status === "succeeded");
    assert.deepEqual(
      second.messages.map((message) => message.id),
      first.messages.map((message) => message.id),
    );
    await check(first, "slow");
    await check(second, "slow");
    // A run that nobody's tab has started.
    const body = JSON.stringify({ agent: "writer", thread_id: "two", input: "By schedule", trigger: "schedule" });
    const headers = { "content-type": "application/json" };
    const { id } = await native("/runs", { method: "POST", headers, body });
    await until(() => second.messages.some((message) => message.id === id && message.metadata.status === "succeeded"));
    assert.equal(second.messages.length, 4);
    // Its own stream is its own: nothing is merged over it.
    await second.sendMessage({ text: "And now" });
    await check(second, "slow");
    assert.equal(second.messages.length, 6);
    ends.abort();
    await watching;
    assert.deepEqual(merged(first.messages, await load(api("slow"), "two")).length, 6);
  },

  async "another answer and an edited message"() {
    const chat = tab("writer", "again");
    await chat.sendMessage({ text: "One" });
    await chat.sendMessage({ text: "Two" });
    const [one, first, two, second] = chat.messages.map((message) => message.id);
    await chat.regenerate();
    await check(chat, "writer");
    const third = last(chat).id;
    assert.notEqual(third, second);
    await chat.regenerate({ messageId: third });
    await check(chat, "writer");
    assert.notEqual(last(chat).id, third);
    assert.deepEqual(chat.messages.map((message) => message.id), [one, first, two, last(chat).id]);
    await chat.sendMessage({ text: "Two, edited", messageId: two });
    await check(chat, "writer");
    assert.deepEqual(chat.messages.map((message) => message.id), [one, first, two, last(chat).id]);
    assert.equal((await load(api("writer"), "again"))[2].parts[0].text, "Two, edited");
    // What came after an edited message in the middle is gone, for the thread as well.
    await chat.sendMessage({ text: "Three" });
    await chat.sendMessage({ text: "One, edited", messageId: one });
    assert.equal(chat.messages.length, 2);
    await check(chat, "writer");
    await chat.sendMessage({ text: "Four" });
    await check(chat, "writer");
    assert.equal(chat.messages.length, 4);
  },

  async "version seven of the package"() {
    const { AbstractChat, DefaultChatTransport } = await import("ai7");
    class State {
      status = "ready";
      error = undefined;
      messages = [];
      pushMessage = (message) => this.messages.push(message);
      popMessage = () => this.messages.pop();
      replaceMessage = (n, message) => (this.messages[n] = message);
      snapshot = (value) => structuredClone(value);
    }
    class Tab extends AbstractChat {
      constructor(agent, id) {
        const transport = new DefaultChatTransport({ api: `${api(agent)}?ui=7` });
        super({ id, state: new State(), transport, ...automatic });
      }
    }
    const chat = new Tab("again", "seven");
    await chat.sendMessage({ text: "Hi" });
    assert.equal(chat.status, "ready", chat.error?.message);
    const events = await log(server, last(chat).id);
    assert.ok(events.some((event) => event.type === "message.discarded"));
    // Nothing of what was discarded is in the message, without the page's doing.
    const text = last(chat).parts.filter((part) => part.type === "text");
    assert.deepEqual(text.map((part) => ["text", part.text]), parts(events));
    const asked = new Tab("ask", "seven-asked");
    await asked.sendMessage({ text: "Hi" });
    const { approval } = last(asked).parts.find((part) => part.state === "approval-requested");
    await asked.addToolApprovalResponse({ id: approval.id, approved: true });
    await until(() => last(asked).parts.find((part) => part.toolName === "ask_user"));
    assert.equal(last(asked).parts.find((part) => part.approval).approval.approved, true);
  },

  async "a tab that goes away"() {
    const chat = tab("clerk", "clerk");
    const sent = chat.sendMessage({ text: "Buy paint" });
    await until(() => last(chat)?.role === "assistant" && seen(last(chat)).length > 0);
    console.log(last(chat).metadata.runId);
    await sent;
  },

  async "a tab that comes back"() {
    const chat = tab("clerk", "clerk", { messages: await load(api("clerk"), "clerk"), ...automatic });
    const resumed = chat.resumeStream();
    await until(() => chat.status === "streaming" && seen(last(chat)).length > 0);
    console.log("begun");
    await resumed;
    assert.equal(last(chat).metadata.status, "waiting");
    const call = last(chat).parts.find((part) => part.state === "approval-requested");
    assert.deepEqual([call.toolName, call.input], ["buy", { what: "paint" }]);
    console.log("asked");
    await chat.addToolApprovalResponse({ id: call.approval.id, approved: true });
    await until(() => chat.status === "ready" && last(chat).metadata.status === "succeeded");
    await check(chat, "clerk");
  },

  async "the example page"() {
    const chat = tab("ask", "page", automatic);
    await chat.sendMessage({ text: "Hi" });
    const { createElement } = await import("react");
    const { renderToString } = await import("react-dom/server");
    const { ChatPage } = await import("../../../examples/aisdk/page.js");
    const messages = await load(api("ask"), "page");
    const html = renderToString(createElement(ChatPage, { api: api("ask"), id: "page", messages }));
    assert.match(html, /Buy paint/);
    assert.match(html, /Allow/);
  },
};

await cases[name]();
