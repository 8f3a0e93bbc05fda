// A chat that outlives its page. Without a build step: createElement in place of JSX.

import { createElement as h, useEffect, useMemo, useState } from "react";
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses, lastAssistantMessageIsCompleteWithToolCalls } from "ai";
import { comeBack, shown, stop, watch } from "./connect.js";

/** `messages` are those that `load` gave; the page may well be rendered on a server. */
export function ChatPage({ api, id, messages, headers }) {
  const transport = useMemo(() => new DefaultChatTransport({ api, headers, fetch: comeBack(api) }), [api, headers]);
  const chat = useChat({
    id,
    messages,
    transport,
    resume: true,
    sendAutomaticallyWhen: (it) =>
      lastAssistantMessageIsCompleteWithApprovalResponses(it) || lastAssistantMessageIsCompleteWithToolCalls(it),
  });
  // `watch` asks what the chat is at the time, so it gets one object that always is.
  const [now] = useState({ current: chat });
  now.current = chat;
  useEffect(() => {
    const ends = new AbortController();
    const view = new Proxy({}, { get: (_, name) => now.current[name] });
    watch(api, view, { headers, signal: ends.signal });
    return () => ends.abort();
  }, [api, id, headers, now]);

  const [draft, setDraft] = useState("");
  const isBusy = chat.status === "submitted" || chat.status === "streaming";
  const send = (event) => {
    event.preventDefault();
    chat.sendMessage({ text: draft });
    setDraft("");
  };
  return h(
    "main",
    null,
    chat.messages.map((message) => h(Message, { key: message.id, message, chat })),
    chat.error && h("p", { role: "alert" }, chat.error.message),
    isBusy && h("button", { onClick: () => stop(api, id, chat.messages.at(-1).metadata?.runId, { headers }) }, "Stop"),
    h(
      "form",
      { onSubmit: send },
      h("input", { value: draft, onChange: (event) => setDraft(event.target.value) }),
      h("button", { disabled: isBusy }, "Send"),
    ),
  );
}

function Message({ message, chat }) {
  return h("article", { className: message.role }, shown(message).map((part, n) => h(Part, { key: n, part, chat })));
}

function Part({ part, chat }) {
  switch (part.type) {
    case "text":
      return h("p", null, part.text);
    case "reasoning":
      return h("details", null, h("summary", null, "Thoughts"), part.text);
    case "source-url":
      return h("a", { href: part.url }, part.title ?? part.url);
    case "dynamic-tool":
      if (part.state === "approval-requested") {
        const answer = (approved) => () => chat.addToolApprovalResponse({ id: part.approval.id, approved });
        return h(
          "p",
          null,
          part.title ?? part.toolName,
          h("button", { onClick: answer(true) }, "Allow"),
          h("button", { onClick: answer(false) }, "Deny"),
        );
      }
      if (part.toolName === "ask_user" && part.state === "input-available") {
        return part.input.questions.map((question) => h("p", { key: question.id }, question.text));
      }
      return h("p", null, `${part.title ?? part.toolName}: ${part.state}`);
    default:
      return null;
  }
}
