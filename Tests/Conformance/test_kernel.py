"""The messaging protocol, checked on a live kernel over real sockets."""
import os
import random
import signal
import subprocess
import sys
import time
import uuid

import cells
import pytest
import zmq
from jupyter_client.manager import KernelManager

WITHIN = 2.0  # seconds; loose, because the machine may be busy


def report(what, seconds):
    print(f"{what}: {seconds * 1000:.1f} ms")


# What every request gets


def test_kernel_info(client):
    info = client.answer("kernel_info_request").content
    assert info["status"] == "ok"
    assert info["protocol_version"] == "5.5"
    assert "kernel subshells" in info["supported_features"]
    assert info["implementation"] and info["banner"]
    language = info["language_info"]
    assert {"name", "version", "mimetype", "file_extension"} <= set(language)
    assert language["codemirror_mode"] and language["pygments_lexer"]


@pytest.mark.parametrize(
    "channel, kind, content",
    [
        ("shell", "kernel_info_request", {}),
        ("shell", "complete_request", {"code": cells.PREFIX, "cursor_pos": len(cells.PREFIX)}),
        ("shell", "inspect_request", {"code": cells.INSPECTED, "cursor_pos": 2, "detail_level": 0}),
        ("shell", "is_complete_request", {"code": cells.VALUE}),
        ("shell", "history_request", {"hist_access_type": "tail", "n": 2, "raw": True, "output": False}),
        ("shell", "comm_info_request", {}),
        ("shell", "execute_request", {"code": cells.VALUE, "silent": False}),
        ("control", "kernel_info_request", {}),
        ("control", "interrupt_request", {}),
        ("control", "create_subshell_request", {}),
        ("control", "list_subshell_request", {}),
    ],
)
def test_busy_and_idle_surround_every_request(client, channel, kind, content):
    answer = client.answer(kind, content, channel)
    assert answer.content["status"] == ("complete" if kind.startswith("is_") else "ok")
    assert answer.reply["msg_type"] == kind.replace("request", "reply")
    assert answer.states == ["busy", "idle"]
    assert answer.types[0] == answer.types[-1] == "status"
    if kind == "create_subshell_request":
        deleted = {"subshell_id": answer.content["subshell_id"]}
        assert client.answer("delete_subshell_request", deleted, "control").content["status"] == "ok"


def test_an_unknown_request_does_no_harm(client):
    client.ask("no_such_request")
    assert client.run(cells.VALUE).result == cells.VALUE_TEXT


# Cells


def test_silent_cells_are_not_counted_and_show_nothing(client):
    before = client.run(cells.VALUE).content["execution_count"]
    silent = client.run(cells.VALUE, silent=True)
    assert silent.content["status"] == "ok"
    assert "execute_result" not in silent.types and "execute_input" not in silent.types
    assert client.run(cells.VALUE).content["execution_count"] == before + 1


def test_user_expressions(client):
    client.run(cells.BIND)
    asked = {"good": cells.RECALL, "bad": cells.FAILING}
    got = client.run(cells.VALUE, user_expressions=asked).content["user_expressions"]
    assert got["good"]["status"] == "ok"
    assert got["good"]["data"]["text/plain"] == cells.RECALLED
    assert got["bad"]["status"] == "error" and got["bad"]["evalue"]


def test_an_error_has_one_error_message_and_bindings_stay(client):
    client.run(cells.BIND)
    failed = client.run(cells.FAILING)
    assert failed.content["status"] == "error"
    assert failed.types.count("error") == 1
    assert failed.contents("error")[0]["traceback"]
    assert client.run(cells.RECALL).result == cells.RECALLED


def interrupted(client, interrupt):
    """Interrupts an endless cell; gives its answer and the seconds that it took."""
    client.run(cells.BIND)
    cell = client.execute(cells.ENDLESS)
    client.wait_started(cell)
    time.sleep(0.2)
    assert client.answers[cell].reply is None, "the endless cell ended by itself"
    asked = time.monotonic()
    interrupt()
    answer = client.wait(cell, timeout=20)
    assert answer.content["status"] == "error"
    assert client.run(cells.RECALL).result == cells.RECALLED
    return answer, answer.idle_at - asked


def test_interrupt_by_message(client):
    _, seconds = interrupted(client, lambda: client.ask("interrupt_request", {}, "control"))
    report("interrupt request to idle", seconds)
    assert seconds < WITHIN


def test_interrupt_by_signal(shared, client):
    _, seconds = interrupted(client, lambda: os.kill(shared.pid, signal.SIGINT))
    report("SIGINT to idle", seconds)
    assert seconds < WITHIN


def test_a_signal_while_idle_does_no_harm(shared, client):
    os.kill(shared.pid, signal.SIGINT)
    time.sleep(0.3)  # nothing tells when a signal has been dealt with
    client.answer("interrupt_request", {}, "control")
    assert client.run(cells.VALUE).result == cells.VALUE_TEXT


@pytest.mark.parametrize("stop_on_error", [True, False])
def test_queued_cells_are_aborted_after_an_error(client, stop_on_error):
    running = client.execute(cells.ENDLESS, stop_on_error=stop_on_error)
    client.wait_started(running)
    queued = [client.execute(cells.VALUE) for _ in range(3)]
    # Answered in its own time, so it tells that the queued cells have arrived too.
    client.answer("is_complete_request", {"code": cells.VALUE})
    client.ask("interrupt_request", {}, "control")
    client.wait(running)
    answers = [client.wait(cell) for cell in queued]
    if stop_on_error:
        assert {a.content["status"] for a in answers} <= {"aborted", "error"}
        assert all("execute_result" not in a.types for a in answers)
    else:
        assert [a.result for a in answers] == [cells.VALUE_TEXT] * 3
    assert all(a.states == ["busy", "idle"] for a in answers)
    assert client.run(cells.VALUE).content["status"] == "ok"


def test_completion_and_inspection_while_a_cell_computes(client):
    cell = client.execute(cells.ENDLESS)
    client.wait_started(cell)
    for kind, code in [("complete_request", cells.PREFIX), ("inspect_request", cells.INSPECTED)]:
        asked = time.monotonic()
        answer = client.answer(kind, {"code": code, "cursor_pos": len(code), "detail_level": 0})
        report(f"{kind} while busy", answer.replied_at - asked)
        assert answer.replied_at - asked < WITHIN
        if kind == "complete_request":
            assert cells.COMPLETION in answer.content["matches"]
            assert answer.content["metadata"]["_jupyter_types_experimental"]
        else:
            assert answer.content["found"]
    assert client.answers[cell].reply is None
    client.ask("interrupt_request", {}, "control")
    client.wait(cell)


def test_a_flood_of_output_arrives_whole(client):
    answer = client.run(cells.FLOOD, timeout=120)
    assert answer.stream() == "".join(f"{i}\n" for i in range(cells.FLOOD_LINES))
    assert answer.types[-1] == "status"
    assert len(answer.published) < cells.FLOOD_LINES / 20, "output is not gathered"


def test_standard_input(client):
    cell = client.execute(cells.ASKING, allow_stdin=True)
    client.until(lambda: client.questions, 20, "input_request")
    question = client.questions.pop()
    assert question["msg_type"] == "input_request" and question["content"]["prompt"]
    assert question["parent_header"]["msg_id"] == cell
    client.session.send(client.sockets["stdin"], "input_reply", {"value": "Ada"}, parent=question)
    assert "Ada" in client.wait(cell).result


def test_standard_input_fails_at_once_where_it_is_not_allowed(client):
    assert client.run(cells.ASKING, allow_stdin=False).content["status"] == "error"
    assert not client.questions


def test_an_interrupt_ends_waiting_for_input(client):
    cell = client.execute(cells.ASKING, allow_stdin=True)
    client.until(lambda: client.questions, 20, "input_request")
    client.questions.clear()
    client.ask("interrupt_request", {}, "control")
    assert client.wait(cell).content["status"] == "error"


# Several clients, subshells, comms


def test_a_second_client_is_welcomed_and_sees_the_output(shared, client):
    second = shared.connect()
    assert second.welcomes[0]["parent_header"] == {}
    cell = client.execute(cells.printing("to all"))
    client.wait(cell)
    second.until(lambda: cell in second.answers and second.answers[cell].idle_at, 20, "the output")
    assert second.answers[cell].stream() == "to all\n"
    assert second.answers[cell].reply is None


def test_a_subshell_computes_beside_the_main_shell(client):
    subshell = client.answer("create_subshell_request", {}, "control").content["subshell_id"]
    cell = client.execute(cells.ENDLESS)
    client.wait_started(cell)
    assert client.run(cells.VALUE, subshell=subshell).result == cells.VALUE_TEXT
    assert client.answers[cell].reply is None
    listed = client.answer("list_subshell_request", {}, "control").content["subshell_id"]
    assert subshell in listed
    client.ask("interrupt_request", {}, "control")
    client.wait(cell)
    client.answer("delete_subshell_request", {"subshell_id": subshell}, "control")
    listed = client.answer("list_subshell_request", {}, "control").content["subshell_id"]
    assert subshell not in listed
    late = client.run(cells.VALUE, subshell=subshell)
    assert late.content["status"] == "error" and late.states == ["busy", "idle"]


def test_a_comm_of_an_unknown_target_is_closed(client):
    comm = uuid.uuid4().hex
    opened = client.ask("comm_open", {"comm_id": comm, "target_name": "no.such.target", "data": {}})
    answer = client.answers[opened]
    client.until(lambda: answer.idle_at, 20, "idle after comm_open")
    assert [c["comm_id"] for c in answer.contents("comm_close")] == [comm]
    for kind in ("comm_msg", "comm_close"):
        client.ask(kind, {"comm_id": comm, "data": {}})
    assert comm not in client.answer("comm_info_request").content["comms"]


# Restart, history, the end


def history(client, **content):
    content = {"raw": True, "output": False, "hist_access_type": "tail", "n": 50} | content
    return [entry[2] for entry in client.answer("history_request", content).content["history"]]


def test_restart_forgets_bindings_and_keeps_history(start):
    kernel = start()
    mark = cells.text(uuid.uuid4().hex)
    kernel.client.run(cells.BIND)
    kernel.client.run(mark)
    kernel.client.run(cells.VALUE, store_history=False)
    kernel.manager.restart_kernel()
    client = kernel.connect()
    assert client.run(cells.RECALL).content["status"] == "error"
    assert client.run(cells.VALUE).content["execution_count"] == 2
    assert history(client, hist_access_type="search", pattern=mark[:20] + "*", n=5) == [mark]
    assert mark in history(client)


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_shutdown_ends_the_process(start, transport):
    kernel = start(transport)
    process = kernel.manager.provisioner.process
    cell = kernel.client.execute(cells.ENDLESS)
    kernel.client.wait_started(cell)
    asked = time.monotonic()
    answer = kernel.client.ask("shutdown_request", {"restart": False}, "control")
    assert process.wait(timeout=10) == 0
    report("shutdown of a busy kernel", time.monotonic() - asked)
    kernel.client.until(lambda: kernel.client.answers[answer].reply, 5, "shutdown_reply")
    assert kernel.client.answers[answer].content == {"status": "ok", "restart": False}


PARENT = """
import os, sys
from jupyter_client.manager import KernelManager
manager = KernelManager(kernel_name="vitrine", transport=sys.argv[1])
manager.start_kernel()
client = manager.blocking_client()
client.start_channels()
client.wait_for_ready(timeout=30)
client.execute(sys.argv[2])
print(manager.provisioner.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_the_kernel_ends_with_its_parent_and_leaves_no_file(tmp_path, transport):
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, transport, cells.ENDLESS], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path,
    )
    kernel = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    killed = time.monotonic()
    while os.path.exists(f"/proc/{kernel}") and not dead(kernel):
        assert time.monotonic() - killed < 15, "the kernel outlives its parent"
        time.sleep(0.05)
    report("end after the parent's", time.monotonic() - killed)
    assert [path.name for path in tmp_path.rglob("*") if not path.is_dir()] == []


def dead(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


# What must be ignored


def test_repeated_and_badly_signed_messages_are_ignored(client):
    count = client.run(cells.VALUE).content["execution_count"]
    shell, session = client.sockets["shell"], client.session
    frames = session.serialize(session.msg("execute_request", {"code": cells.VALUE}))
    delimiter, signature, *parts = frames
    for bad in [b"", b"0" * 64, signature[:-1], signature.upper(), signature[:-1] + b"g"]:
        shell.send_multipart([delimiter, bad, *parts])
    shell.send_multipart(frames)
    shell.send_multipart(frames)
    assert client.run(cells.VALUE).content["execution_count"] == count + 2


def hostile_messages(session, count, seed):
    """Messages that no front end would send: frames cut, repeated or random, JSON that is broken,
    deep or of the wrong type; most with a good signature."""
    generator = random.Random(seed)
    kinds = ["execute", "complete", "inspect", "history", "is_complete", "comm_info"]
    contents = [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b'"\\ud800"',
        b'{"code": 1e999, "cursor_pos": 1}', b'{"code": "x", "cursor_pos": -99999999999999999999}',
        b'{"code": "x", "cursor_pos": 9223372036854775807}', b'{"code": null, "silent": "no"}',
        b'{"hist_access_type": "range", "session": -1, "start": 1e300, "stop": null, "n": -5}',
        b'{"code": "\\u0000", "user_expressions": [1]}', b'{"comm_id": {}, "target_name": []}',
    ]
    for _ in range(count):
        kind = generator.choice(kinds) + "_request"
        parts = session.serialize(session.msg(kind, {"code": "1", "cursor_pos": 1}))[2:]
        for _ in range(generator.randint(1, 2)):
            place = generator.randrange(4)
            damaged = bytearray(parts[place])
            for _ in range(generator.randint(1, 4)):
                if damaged:
                    damaged[generator.randrange(len(damaged))] = generator.randrange(256)
            parts[place] = generator.choice([bytes(damaged), generator.choice(contents)])
        frames = [b"<IDS|MSG>", session.sign(parts), *parts]
        change = generator.randrange(8)
        if change == 0:
            frames = frames[: generator.randrange(len(frames))] or [b""]
        elif change == 1:
            frames += [generator.randbytes(generator.randrange(2000)) for _ in range(5)]
        elif change == 2:
            frames = [generator.randbytes(generator.randrange(64)) for _ in range(7)]
        yield frames


def test_hostile_messages_do_no_harm(start):
    kernel = start()
    client = kernel.client
    client.run(cells.BIND)
    # The first round fills what the kernel keeps: the history, the signatures it has seen.
    for seed, channel in enumerate(["shell", "control", "stdin", "shell", "control"]):
        if seed == 1:
            before = kernel.memory()
        for frames in hostile_messages(client.session, 20_000, seed):
            client.sockets[channel].send_multipart(frames)
            while client.poller.poll(0):
                read_leniently(client)
        finished = client.ask("kernel_info_request")
        client.until(lambda: client.answers[finished].reply, 60, "an answer after the barrage")
    assert client.run(cells.RECALL).result == cells.RECALLED
    growth = kernel.memory() - before
    print(f"memory: {before:.1f} MiB, {growth:+.1f} MiB over the last 80,000 messages")
    assert growth < 16


def read_leniently(client):
    """Reads answers to messages whose headers were damaged, which need not make sense."""
    for socket, _ in client.poller.poll(0):
        socket.recv_multipart()


# Encryption


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_encryption(start, transport):
    kernel = start(transport, transport_encryption="required")
    assert kernel.manager.curve_publickey
    assert kernel.client.run(cells.VALUE).result == cells.VALUE_TEXT
    # A client without the keys gets no word out of it.
    stranger = KernelManager(connection_file=kernel.manager.connection_file)
    stranger.load_connection_file()
    stranger.curve_publickey = stranger.curve_secretkey = None
    socket = stranger.connect_shell()
    stranger.session.send(socket, "kernel_info_request", {})
    assert socket.poll(1000, zmq.POLLIN) == 0
    socket.close(linger=0)
    assert kernel.client.run(cells.VALUE).content["status"] == "ok"
