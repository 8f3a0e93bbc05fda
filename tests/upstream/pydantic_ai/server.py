"""Agents of pydantic-ai with scripted models, served as AG-UI as its users serve them. Prints its port; `POST /go` lets the
agents `slow` and `clerk` say the rest."""

import asyncio
import json
import socket

import uvicorn
from pydantic_ai import Agent, DeferredToolRequests
from pydantic_ai.messages import ModelRequest, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaThinkingPart, DeltaToolCall, FunctionModel
from pydantic_ai.ui.ag_ui import AGUIAdapter
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

gate = asyncio.Event()


def parts(messages, kind):
    return [part for message in messages if isinstance(message, ModelRequest) for part in message.parts if isinstance(part, kind)]


def result(messages):
    """What the last request brings back of tools, if that is what it does."""
    returned = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
    return returned[-1].content if returned else None


def call(name, args):
    return {0: DeltaToolCall(name=name, json_args=json.dumps(args))}


async def talking(messages, info: AgentInfo):
    if (found := result(messages)) is not None:
        for piece in ["I found ", json.dumps(found), ". The end: ä€😀"]:
            yield piece
        return
    yield {0: DeltaThinkingPart(content="Let me see. ")}
    yield {0: DeltaThinkingPart(content="Yes.")}
    for piece in ["I ", "look. "]:
        yield piece
    yield {2: DeltaToolCall(name="look", json_args='{"at":', tool_call_id="look-1")}
    yield {2: DeltaToolCall(json_args="1}")}


async def slow(messages, info: AgentInfo):
    yield "Half "
    await gate.wait()
    yield "and the rest."


async def buying(messages, info: AgentInfo):
    if (bought := result(messages)) is not None:
        yield f"It says: {bought}"
    else:
        yield call("buy", {"what": "paint"})


async def minding(messages, info: AgentInfo):
    if (bought := result(messages)) is not None:
        yield f"It says: {bought}"
        return
    yield "I look. "
    await gate.wait()
    yield "I buy. "
    yield {1: DeltaToolCall(name="buy", json_args='{"what": "paint"}', tool_call_id="buy-1")}


async def picking(messages, info: AgentInfo):
    if (picked := result(messages)) is not None:
        yield f"You chose {picked}."
    else:
        yield call(info.function_tools[0].name, {"of": ["red", "blue"]})


async def remembering(messages, info: AgentInfo):
    yield "You said: " + ", ".join(str(part.content) for part in parts(messages, UserPromptPart))


async def failing(messages, info: AgentInfo):
    yield "Half"
    raise RuntimeError("the model broke")


def model(said):
    return FunctionModel(stream_function=said)


talk = Agent(model(talking))
buyer = Agent(model(buying), output_type=[str, DeferredToolRequests])
clerk = Agent(model(minding), output_type=[str, DeferredToolRequests])


@talk.tool_plain
def look(at: int) -> dict:
    return {"found": at + 2}


@clerk.tool_plain(requires_approval=True)
@buyer.tool_plain(requires_approval=True)
def buy(what: str) -> str:
    return f"{what} bought"


AGENTS = {
    "talk": talk,
    "slow": Agent(model(slow)),
    "buyer": buyer,
    "clerk": clerk,
    "picker": Agent(model(picking), output_type=[str, DeferredToolRequests]),
    "memory": Agent(model(remembering)),
    "bad": Agent(model(failing)),
}


def route(path, agent):
    async def run(request):
        return await AGUIAdapter.dispatch_request(request, agent=agent)

    return Route(path, run, methods=["POST"])


async def go(request):
    gate.set()
    return Response(status_code=204)


app = Starlette(routes=[*(route(f"/{name}", agent) for name, agent in AGENTS.items()), Route("/go", go, methods=["POST"])])
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
