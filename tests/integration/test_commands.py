#!/usr/bin/env python3
"""What the command line says to a mistake: the exit status is part of the contract with scripts, the message is for a person."""
import pathlib
import subprocess
import tempfile
import unittest

from server import BINARY, running

DONE, FAILED, USAGE, NO, REFUSED = 0, 1, 2, 3, 78
NOBODY = "127.0.0.1:1"  # a port on which nothing listens


class CommandsTest(unittest.TestCase):
    def check(self, command, status, *parts, stdin="", server=NOBODY):
        """Runs `command` and wants the status and every part in what it prints."""
        with self.subTest(command=command):
            done = subprocess.run([BINARY, *command.split()], input=stdin, capture_output=True, text=True, timeout=60,
                                  env={"BAROGRAPH_SERVER": server, "PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0"})
            printed = done.stdout + done.stderr
            self.assertEqual(done.returncode, status, printed)
            for part in parts:
                self.assertIn(part, printed)
            return done

    def test_wrong_usage_is_2_and_names_what_was_typed(self):
        self.check("", USAGE, "subcommand is required")
        self.check("serv", USAGE, '"serv" is no command', "'serve'")
        self.check("bench ingets", USAGE, '"ingets" is no command', "'ingest'")
        self.check("bench ingest --evnets 5", USAGE, 'barograph bench ingest: "--evnets" is no option', "'--events'")
        self.check("bench ingest --events 5", USAGE, "--events", "1000")
        self.check("bench ingest --runs 0", USAGE, "--runs", "1 to 100")
        self.check("bench alert --episodes many", USAGE, "--episodes")
        self.check("slo one two", USAGE, '"two" is one argument too many')
        self.check("query", USAGE, "measure is required")
        self.check("query tasks.completed --over 7x", USAGE, "'7x' lacks a unit")
        self.check("tail --from first", USAGE, "--from")
        self.check("serve --config /nonexistent.yaml", USAGE, "/nonexistent.yaml")
        self.check("emit -o xml agent=CMO", USAGE, "xml")
        self.check("kafka", USAGE, "subcommand is required")
        self.check("kafka skip agents 3", USAGE, "--earliest")
        self.check("kafka skip agents 3 --earliest --to 7", USAGE)
        self.check("dlq retry", USAGE)
        self.check("dlq drop 5 --all --topic agents", USAGE)
        self.check("dlq drop --all", USAGE, "--topic")
        self.check("bench kafka", USAGE, "--brokers")

    def test_an_event_that_is_none_is_2_before_anything_is_sent(self):
        self.check("emit agent", USAGE, '"agent": write field=value')
        self.check("emit task.staus=DONE", USAGE, "task.staus", "'status'")
        self.check("emit task.status=DONE", USAGE, "DONE")
        self.check("emit --json {", USAGE, "not valid JSON", "line 1, column 2")

    def test_a_server_that_is_not_there_is_1_and_says_how_to_start_it(self):
        for command in ("slo", "alerts list", "alerts show 0123", "alerts ack 0123", "silence list", "query cost", "tail", "prices list", "emit agent=CMO cost.amount=1USD", "kafka status",
                        "dlq list"):
            self.check(command, FAILED, "cannot reach the server at " + NOBODY, "`barograph serve`", "--server")

    def test_help_and_version_are_0(self):
        self.check("--help", DONE, "serve", "emit")
        self.check("bench --help", DONE, "ingest", "Examples:")
        self.check("version", DONE, "barograph ")

    def test_a_log_that_is_not_there_is_1(self):
        self.check("log stat --data /nonexistent", FAILED, "/nonexistent")
        self.check("log export --data /nonexistent", FAILED, "/nonexistent")

    def test_a_configuration_with_a_mistake_is_78(self):
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder, "barograph.yaml")
            config.write_text("listn: 127.0.0.1:0\n")
            self.check(f"config check {config}", REFUSED, "barograph.yaml:1:1", "listn", "listen")
            self.check(f"serve --config {config}", REFUSED, "barograph.yaml:1:1", "listn")

    def test_without_kafka_its_commands_say_so(self):
        with running() as server:
            self.check("kafka status", DONE, "not configured", "docs/kafka.md", server=server.grpc)
            self.check("kafka status -o json", DONE, '"configured": false', server=server.grpc)
            self.check("kafka skip agents 3 --latest", FAILED, "agents/3 was never read", server=server.grpc)
            self.check("kafka skip agents 3 --latest --accept-loss", FAILED, "not configured", server=server.grpc)
            self.check("dlq list", DONE, "no records are set aside", server=server.grpc)
            self.check("dlq show 5", FAILED, server=server.grpc)
            self.check("dlq drop 5", FAILED, "dropped 0 records", "still set aside: 5", server=server.grpc)
            self.check("dlq retry --all --topic agents", DONE, "no records of topic agents are set aside", server=server.grpc)

    def test_a_broker_that_is_not_there_keeps_the_server_from_nothing(self):
        config = f"kafka: {{brokers: '{NOBODY}', topics: [{{topic: agents, format: event}}]}}\n"
        with running(config=config) as server:
            self.check("kafka status", DONE, NOBODY, "no broker: ", "group barograph", "no partition was read yet", server=server.grpc)
            self.check("emit agent=CMO cost.amount=1USD", DONE, server=server.grpc)
            self.assertIn("[+]kafka ok", server.get("/readyz?verbose"))
            self.assertIn("barograph_kafka_running 0", server.get("/metrics"))
            self.assertEqual(server.stop(), 0)

    def test_refused_events_are_named_one_by_one_while_the_good_ones_are_stored(self):
        with running() as server:
            lines = '{"agent": "a", "task": {"status": "COMPLETED"}}\n{"agent": "a"}\nnonsense\n'
            done = self.check("emit", FAILED, "sent 2", "refused 2", "line 3", "receipt: sequence", stdin=lines, server=server.grpc)
            self.assertIn("event 2", done.stderr)
            self.check("tail --kind nonsense", FAILED, '"nonsense" is no kind', server=server.grpc)
            self.check("query tasks.complete", FAILED, "tasks.complete", "tasks.completed", server=server.grpc)
            self.check("emit --producer-id p --epoch 5 agent=a task.status=STARTED", DONE, "sent 1", server=server.grpc)
            self.check("emit --producer-id p --epoch 4 agent=a task.status=STARTED", FAILED, "epoch", server=server.grpc)


if __name__ == "__main__":
    unittest.main(verbosity=2)
