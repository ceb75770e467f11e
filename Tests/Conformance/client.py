"""A Jupyter client that sees every message: kernels are started by jupyter_client, and talked to
over its sockets directly, so that several clients, malformed messages and encryption can be tried."""
import time
import uuid
from dataclasses import dataclass, field
from subprocess import DEVNULL

import zmq
from jupyter_client.manager import KernelManager


@dataclass
class Answer:
    """What a kernel said to one request."""

    reply: dict | None = None
    published: list = field(default_factory=list)
    replied_at: float = 0
    idle_at: float = 0

    @property
    def content(self):
        return self.reply["content"]

    @property
    def types(self):
        return [message["msg_type"] for message in self.published]

    @property
    def states(self):
        return [m["content"]["execution_state"] for m in self.published if m["msg_type"] == "status"]

    def contents(self, kind):
        return [m["content"] for m in self.published if m["msg_type"] == kind]

    def stream(self, name="stdout"):
        return "".join(c["text"] for c in self.contents("stream") if c["name"] == name)

    @property
    def result(self):
        """The text of the cell's value."""
        return self.contents("execute_result")[0]["data"]["text/plain"]


class Client:
    """One front end of a kernel."""

    def __init__(self, manager, identity):
        self.session = manager.session.clone()
        self.session.session = uuid.uuid4().hex
        identity = identity.encode()
        self.sockets = {
            "iopub": manager.connect_iopub(),
            "shell": manager.connect_shell(identity=identity),
            "control": manager.connect_control(identity=identity),
            "stdin": manager.connect_stdin(identity=identity),
        }
        self.poller = zmq.Poller()
        for socket in self.sockets.values():
            self.poller.register(socket, zmq.POLLIN)
        self.answers = {}
        self.welcomes = []
        self.questions = []

    def close(self):
        for socket in self.sockets.values():
            socket.close(linger=0)

    def ask(self, kind, content=None, channel="shell", subshell=None):
        """Sends a request and gives its id."""
        message = self.session.msg(kind, content or {})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.session.send(self.sockets[channel], message)
        self.answers[message["header"]["msg_id"]] = Answer()
        return message["header"]["msg_id"]

    def execute(self, code, subshell=None, **options):
        """Sends a cell and gives the request's id."""
        content = {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": True,
        }
        return self.ask("execute_request", content | options, subshell=subshell)

    def answer(self, kind, content=None, channel="shell", timeout=30, **options):
        """Sends a request and waits for its reply and for `idle`."""
        return self.wait(self.ask(kind, content, channel, **options), timeout)

    def run(self, code, timeout=60, **options):
        """Runs a cell to its end."""
        return self.wait(self.execute(code, **options), timeout)

    def wait(self, identifier, timeout=30):
        """Waits for the reply to a request and for its `idle`."""
        answer = self.answers[identifier]
        self.until(lambda: answer.reply and answer.idle_at, timeout, f"the end of {identifier}")
        return answer

    def wait_started(self, identifier, timeout=30):
        """Waits until a cell is running."""
        answer = self.answers[identifier]
        self.until(lambda: "execute_input" in answer.types, timeout, "execute_input")

    def until(self, condition, timeout, what):
        """Reads messages until a condition holds."""
        end = time.monotonic() + timeout
        while not condition():
            left = end - time.monotonic()
            assert left > 0, f"waited {timeout} s in vain for {what}"
            self.read(left)

    def read(self, timeout):
        """Reads what has arrived, waiting for it if need be, and files it under its request."""
        for socket, _ in self.poller.poll(timeout * 1000):
            _, message = self.session.recv(socket)
            if message is None:
                continue
            channel = next(name for name, other in self.sockets.items() if other is socket)
            parent = (message["parent_header"] or {}).get("msg_id")
            answer = self.answers.setdefault(parent, Answer())
            if message["msg_type"] == "iopub_welcome":
                self.welcomes.append(message)
            elif channel == "iopub":
                answer.published.append(message)
                if message["content"].get("execution_state") == "idle":
                    answer.idle_at = time.monotonic()
            elif channel == "stdin":
                self.questions.append(message)
            else:
                assert answer.reply is None, f"two replies to one request: {message}"
                answer.reply = message
                answer.replied_at = time.monotonic()


class Kernel:
    """A running kernel with one client."""

    def __init__(self, transport="tcp", name="vitrine", welcome=True, talkative=True, **options):
        self.manager = KernelManager(kernel_name=name, transport=transport, **options)
        self.manager.start_kernel(**({} if talkative else {"stdout": DEVNULL, "stderr": DEVNULL}))
        self.clients = []
        self.client = self.connect(welcome)

    def connect(self, welcome=True):
        """Another client, that is known to be subscribed once it was welcomed."""
        client = Client(self.manager, f"client-{len(self.clients)}")
        self.clients.append(client)
        if welcome:
            client.until(lambda: client.welcomes, 20, "iopub_welcome")
        return client

    @property
    def pid(self):
        return self.manager.provisioner.pid

    def memory(self):
        """Resident memory in MiB."""
        with open(f"/proc/{self.pid}/status") as status:
            line = next(line for line in status if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def stop(self):
        for client in self.clients:
            client.close()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
