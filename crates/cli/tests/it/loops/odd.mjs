// An MCP server over its pipes with tools of bad manners: `die` ends the process, `hang` never answers, `hang_once` does so
// the first time.
import { appendFileSync, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { spawn } from "node:child_process";

const tool = (name) => ({ name, description: name, inputSchema: { type: "object" } });
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "odd", version: "1" },
  }),
  "tools/list": () => ({ tools: ["die", "hang", "hang_once", "greet"].map(tool) }),
  "tools/call": ({ name }) => {
    const isFirst = !existsSync("calls");
    appendFileSync("calls", name + "\n");
    if (name === "die") process.exit(3);
    if (name === "hang" || (name === "hang_once" && isFirst)) {
      spawn("sleep", ["600"], { stdio: "ignore" });
      return undefined;
    }
    return { content: [{ type: "text", text: "hello" }] };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  const result = answers[method]?.(params);
  if (id !== undefined && result !== undefined) {
    process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\n");
  }
}
