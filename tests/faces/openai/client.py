"""The cases of crates/cli/tests/it/openai.rs with OpenAI's client for Python: one argument names the case, the server is in
OPENAI_BASE_URL. Prints what arrived as JSON."""

import json
import sys
import threading

import openai
from pydantic import BaseModel

client = openai.OpenAI(api_key="none", max_retries=2)
responses = client.responses

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


def events(stream, until=lambda seen: False):
    """The events of a stream; `until` ends it early, as a page does that is closed."""
    seen = []
    for event in stream:
        seen.append(event.to_dict())
        if until(seen):
            stream.close()
            break
    return seen


def deltas(seen):
    return "".join(it["delta"] for it in seen if it["type"] == "response.output_text.delta")


def last(seen):
    return seen[-1]["sequence_number"]


def of(response, kind):
    return next(it for it in response.output if it.type == kind)


def full():
    seen = events(responses.create(model="full", input="Hi", stream=True))
    response = seen[-1]["response"]
    return {"events": seen, "response": response, "retrieved": responses.retrieve(response["id"]).to_dict()}


def helper():
    with responses.stream(model="full", input="Hi") as stream:
        seen = events(stream)
        return {"events": seen, "response": stream.get_final_response().to_dict()}


def waits():
    response = responses.create(model="full", input="Hi")
    return {"response": response.to_dict(), "text": response.output_text}


def resumed():
    created = responses.create(model="slow", input="Hi", background=True)
    first = events(responses.retrieve(created.id, stream=True), lambda seen: deltas(seen) != "" and len(seen) > 8)
    rest = events(responses.retrieve(created.id, stream=True, starting_after=last(first)))
    with responses.stream(response_id=created.id, starting_after=last(first)) as stream:
        helped = events(stream)
        response = stream.get_final_response()
    return {"created": created.to_dict(), "first": first, "rest": rest, "helped": helped, "response": response.to_dict()}


def ended():
    made = responses.create(model="full", input="Hi")
    whole = events(responses.retrieve(made.id, stream=True))
    behind = events(responses.retrieve(made.id, stream=True, starting_after=last(whole)))
    items = [item.to_dict() for item in responses.input_items.list(made.id, limit=1)]
    responses.delete(made.id)
    try:
        responses.retrieve(made.id)
        gone = None
    except openai.NotFoundError as error:
        gone = {"status": error.status_code, "code": error.code}
    return {"whole": whole, "behind": behind, "items": items, "response": whole[-1]["response"], "gone": gone}


def tabs():
    made = responses.create(model="slow", input="Hi", background=True)
    seen = [None, None]

    def tab(n):
        seen[n] = events(responses.retrieve(made.id, stream=True))

    threads = [threading.Thread(target=tab, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"one": seen[0], "two": seen[1], "response": seen[0][-1]["response"]}


def cancelled():
    stream = responses.create(model="stuck", input="Hi", background=True, stream=True)
    seen = events(stream, lambda all: deltas(all) == "Wait")
    id = seen[0]["response"]["id"]
    response = responses.cancel(id)
    again = responses.cancel(id)
    rest = events(responses.retrieve(id, stream=True, starting_after=last(seen)))
    return {"response": response.to_dict(), "again": again.to_dict(), "rest": rest}


def approved():
    first = responses.create(model="ask", input="Hi")
    approval = of(first, "mcp_approval_request")
    answer = {"type": "mcp_approval_response", "approval_request_id": approval.id, "approve": True}
    second = responses.create(model="ask", previous_response_id=first.id, input=[answer])
    question = of(second, "function_call")
    answer = {"type": "function_call_output", "call_id": question.call_id, "output": "red"}
    third = responses.create(model="ask", previous_response_id=second.id, input=[answer])
    return {"first": first.to_dict(), "second": second.to_dict(), "third": third.to_dict()}


def functions():
    ask = {"model": "stub/m", "tools": [WEATHER], "instructions": "Answer in one word."}
    with responses.stream(**ask, input="Weather in Bern?") as stream:
        seen = events(stream)
        first = stream.get_final_response()
    call = of(first, "function_call")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    second = responses.create(**ask, previous_response_id=first.id, input=[output])
    # The same again is the same response, not another answer.
    again = responses.create(**ask, previous_response_id=first.id, input=[output])
    third = responses.create(**ask, previous_response_id=second.id, input="Thanks")
    return {
        "events": seen,
        "first": first.to_dict(),
        "parsed": call.parsed_arguments,
        "second": second.to_dict(),
        "again": again.to_dict(),
        "third": third.to_dict(),
    }


def stateless():
    ask = {"model": "stub/m", "tools": [WEATHER], "store": False}
    input = [{"role": "user", "content": "Weather in Bern?"}]
    first = responses.create(**ask, input=input)
    call = of(first, "function_call")
    input += [item.to_dict() for item in first.output]
    input.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    second = responses.create(**ask, input=input)
    return {"first": first.to_dict(), "second": second.to_dict()}


class Plan(BaseModel):
    name: str
    days: list[str]


def structured():
    response = responses.parse(model="stub/m", input="A plan", text_format=Plan)
    with responses.stream(model="stub/m", input="A plan", text_format=Plan) as stream:
        streamed = stream.get_final_response()
    return {
        "response": response.to_dict(),
        "parsed": response.output_parsed.model_dump(),
        "streamed": streamed.output_parsed.model_dump(),
    }


class Name(BaseModel):
    name: str


def retried():
    """The vendor breaks off in the middle, and the message is said again."""
    with responses.stream(model="stub/m", input="Go", text_format=Name) as stream:
        live = events(stream)
        response = stream.get_final_response()
    with responses.stream(response_id=response.id, text_format=Name) as stream:
        replayed = events(stream)
        again = stream.get_final_response()
    parsed = response.output_parsed.model_dump()
    return {
        "live": live,
        "response": response.to_dict(),
        "parsed": parsed,
        "replayed": replayed,
        "again": again.to_dict(),
    }


def follow(id, begun=lambda seen: None):
    """A client that keeps its cursor, and goes on wherever its stream was cut."""
    seen = []
    ends = ("response.completed", "response.failed", "response.incomplete")
    while not seen or seen[-1]["type"] not in ends:
        after = {"starting_after": last(seen)} if seen else {}
        try:
            for event in responses.retrieve(id, stream=True, **after):
                seen.append(event.to_dict())
                begun(seen)
        except openai.APIConnectionError:
            pass
    return {"events": seen, "response": seen[-1]["response"]}


def killed():
    """The server dies in the middle and comes back."""
    made = responses.create(model="slow", input="Hi", background=True)

    def begun(seen):
        if deltas(seen) != "" and len(seen) == 10:
            print("begun", flush=True)

    return follow(made.id, begun)


def cuts():
    """Two tabs, each cut again and again."""
    made = responses.create(model="mixed", input="Hi", background=True)
    told = threading.Lock()

    def begun(seen):
        if deltas(seen) != "" and told.acquire(blocking=False):
            print("begun", flush=True)

    tabs = [None, None]

    def tab(n):
        tabs[n] = follow(made.id, begun)

    threads = [threading.Thread(target=tab, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tabs


def failed():
    response = responses.create(model="bad", input="Hi")
    with responses.stream(model="bad", input="Hi") as stream:
        streamed = events(stream)[-1]["response"]
    try:
        responses.create(model="fulll", input="Hi")
        refused = None
    except openai.APIStatusError as error:
        refused = {"name": type(error).__name__, "status": error.status_code, "code": error.code, "param": error.param}
    return {"response": response.to_dict(), "streamed": streamed, "refused": refused}


def models():
    return {"ids": [model.id for model in client.models.list()], "one": client.models.retrieve("full").to_dict()}


def elsewhere():
    """A run that was started elsewhere."""
    id = f"resp_{sys.argv[2].replace('-', '')}_1"
    with responses.stream(response_id=id) as stream:
        seen = events(stream)
    return {"events": seen, "response": seen[-1]["response"]}


def followed():
    """The same, and says so once there is text."""
    id = f"resp_{sys.argv[2].replace('-', '')}_1"
    seen = []
    for event in responses.retrieve(id, stream=True):
        if deltas(seen) == "" and event.type == "response.output_text.delta":
            print("begun", flush=True)
        seen.append(event.to_dict())
    return {"events": seen, "response": seen[-1]["response"]}


print(json.dumps(globals()[sys.argv[1]](), default=str))
