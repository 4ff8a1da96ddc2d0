#!/usr/bin/env python3
"""A real SMTP server gets the mail: STARTTLS and SMTPS with a certificate that is checked, log-in, refusals and later tries."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from fleet import RULES, fail  # noqa: E402
from mail_server import PASSWORD, USER, MailServer  # noqa: E402
from server import await_true, running  # noqa: E402

RECEIVER = """
routes: {{receiver: mail, group_by: [rule, agent]}}
receivers:
  - name: mail
    email: {{to: [ops@example.org, gone@example.org], from: barograph@example.org, smtp: "{url}", tls: {mode}{more}}}
"""
LOGIN = ", username: barograph, password: {env: MAIL_PASSWORD}, ca_file: "


class EmailTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="barograph-mail-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def mail(self, mode, **options):
        mail = MailServer(self.folder, mode, **options)
        self.addCleanup(mail.close)
        return mail

    def serve(self, mail, mode, more="", password=PASSWORD):
        rules = RULES + RECEIVER.format(url=mail.url, mode=mode, more=more)
        server = self.enterContext(running(rules=rules, environment={"MAIL_PASSWORD": password}))
        fail(server, "builder")
        return server

    def expect_one_message(self, mail):
        message = await_true(lambda: mail.messages, "the mail")[0]
        self.assertEqual(message["From"], "Barograph <barograph@example.org>")
        self.assertIn("[FIRING:1] task-success", message["Subject"])
        self.assertRegex(message["Message-ID"], r"^<ntc_[0-9a-f]{32}@example\.org>$")
        self.assertEqual(message["Auto-Submitted"], "auto-generated")
        text = message.get_body(("plain",)).get_content()
        self.assertIn("FIRING critical task-success", text)
        self.assertIn("<table", message.get_body(("html",)).get_content())
        self.assertFalse(message.defects)
        return message

    def test_starttls_with_log_in(self):
        mail = self.mail("starttls")
        server = self.serve(mail, "starttls", LOGIN + mail.certificate)
        message = self.expect_one_message(mail)
        answer, sender, recipients, content, encrypted = mail.envelopes[0]
        self.assertTrue(encrypted)
        self.assertEqual((sender, recipients), ("barograph@example.org", ["ops@example.org", "gone@example.org"]))
        self.assertEqual(mail.logins, [True])
        await_true(lambda: "delivered" in server.run("alerts", "list"), "the delivery in the log")
        # What was sent is what the log holds, byte by byte.
        notice = server.json("alerts", "list")["notices"]["notices"][0]
        self.assertEqual(message["Message-ID"], f"<{notice['id']}@example.org>")
        for shown in (server.run("alerts", "list"), server.run("config", "print", "--config", str(server.config_file)), "".join(server.log)):
            self.assertNotIn(PASSWORD, shown)

    def test_smtps(self):
        mail = self.mail("tls")
        self.serve(mail, "tls", LOGIN + mail.certificate)
        self.expect_one_message(mail)
        self.assertEqual(mail.logins, [True])

    def test_a_certificate_that_nobody_vouches_for_gets_no_mail(self):
        mail = self.mail("starttls")
        server = self.serve(mail, "starttls", ", username: barograph, password: {env: MAIL_PASSWORD}")
        await_true(lambda: "barograph_notice_failed_tries_total 0" not in server.get("/metrics"), "a failed try")
        self.assertEqual((mail.envelopes, mail.logins), ([], []))

    def test_a_server_without_tls_gets_nothing_where_starttls_is_asked_for(self):
        mail = self.mail("none")
        server = self.serve(mail, "starttls")
        await_true(lambda: "barograph_notice_failed_tries_total 0" not in server.get("/metrics"), "a failed try")
        self.assertEqual(mail.envelopes, [])

    def test_busy_is_tried_again_with_the_same_bytes_and_refused_is_dead(self):
        mail = self.mail("none", answers=["451 4.3.0 busy", "250 taken", "554 5.6.0 no"])
        server = self.serve(mail, "none")
        self.expect_one_message(mail)
        self.assertEqual(mail.envelopes[0][3], mail.envelopes[1][3])
        fail(server, "tester")
        await_true(lambda: "dead" in server.run("alerts", "list", "--state", "dead"), "the refused one")
        self.assertIn("554", server.run("alerts", "list", "--state", "dead"))

    def test_an_address_that_is_refused_keeps_the_mail_from_nobody_else(self):
        mail = self.mail("none", refuse=["gone@example.org"])
        self.serve(mail, "none")
        self.expect_one_message(mail)
        self.assertEqual(mail.envelopes[0][2], ["ops@example.org"])

    def test_a_wrong_password_is_tried_again_and_never_shown(self):
        mail = self.mail("starttls")
        server = self.serve(mail, "starttls", LOGIN + mail.certificate, password="fake-wrong-password")
        await_true(lambda: len(mail.logins) >= 2, "a second try")
        self.assertNotIn(True, mail.logins)
        self.assertNotIn("fake-wrong-password", "".join(server.log) + server.run("alerts", "list"))


if __name__ == "__main__":
    unittest.main()
