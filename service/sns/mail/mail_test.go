package mail_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	own "github.com/brume-dev/brume/service/sns/mail"
)

// serve speaks SMTP for one connection and returns what it got. refuse, when not empty, is answered to RCPT.
func serve(t *testing.T, refuse string) (address string, got chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got = make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		say := func(s string) { _, _ = io.WriteString(conn, s+"\r\n") }
		say("220 relay")
		var all, data strings.Builder
		for in := false; ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch verb := strings.ToUpper(line[:min(4, len(line))]); {
			case in && line == ".\r\n":
				in = false
				say("250 taken")
				got <- all.String() + data.String()
			case in:
				data.WriteString(line)
			case verb == "DATA":
				in = true
				say("354 go on")
			case verb == "RCPT" && refuse != "":
				say(refuse)
			case verb == "QUIT":
				say("221 bye")
				return
			default:
				all.WriteString(line)
				say("250 ok")
			}
		}
	}()
	return l.Addr().String(), got
}

func TestSend(t *testing.T) {
	m := &own.Mail{ID: "m-1", FromName: "AWS Notifications", From: "no-reply@sns.amazonaws.com", To: "me@example.com", Subject: "Grüße", Text: "hello\n.\nworld",
		Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	address, got := serve(t, "")
	if err := (own.Relay{Address: address}).Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	commands, text, _ := strings.Cut(<-got, "Date:")
	if !strings.Contains(commands, "RCPT TO:<me@example.com>") || !strings.Contains(commands, "MAIL FROM:<no-reply@sns.amazonaws.com>") {
		t.Errorf("commands %q", commands)
	}
	parsed, err := mail.ReadMessage(strings.NewReader("Date:" + text))
	if err != nil {
		t.Fatal(err)
	}
	if s := parsed.Header.Get("Subject"); s != "=?utf-8?q?Gr=C3=BC=C3=9Fe?=" {
		t.Errorf("subject %q", s)
	}
	body, _ := io.ReadAll(parsed.Body)
	if string(body) != "aGVsbG8KLgp3b3JsZA==\r\n" {
		t.Errorf("body %q", body)
	}
	address, _ = serve(t, "550 nobody here")
	if err := (own.Relay{Address: address}).Send(context.Background(), m); err == nil || !strings.Contains(err.Error(), "nobody here") {
		t.Errorf("a refused mail: %v", err)
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("me@example.com")
	f.Add("Me <me@example.com>")
	f.Fuzz(func(t *testing.T, s string) {
		if own.Address(s) == nil && strings.ContainsAny(s, "\r\n") {
			t.Errorf("%q would add lines", s)
		}
	})
}
