package e2e

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMailRelay: mails of SNS go to the relay that the flag names, and are tried again while it does not take them.
func TestMailRelay(t *testing.T) {
	need(t, "boto3", haveBoto3)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mails := make(chan string, 10)
	go func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go relay(conn, n == 0, mails)
		}
	}()
	b := start(t, "--smtp", l.Addr().String(), "--virtual-clock")
	subscribe := exec.Command("python3", "-c", `import boto3
sns = boto3.client("sns")
topic = sns.create_topic(Name="mails", Attributes={"DisplayName": "The Mails"})["TopicArn"]
sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="me@example.com")`)
	subscribe.Env = b.env(newAccount())
	if out, err := subscribe.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if first := receive(t, mails); first != "refused" {
		t.Fatalf("the relay took what it should refuse: %s", first)
	}
	if out, err := run(t, append(cleanEnv(), "BRUME_ENDPOINT="+b.URL), binary, "clock", "advance", "1m"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mail := receive(t, mails)
	head, body, _ := strings.Cut(mail, "\r\n\r\n")
	text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\r\n", ""))
	if err != nil || !strings.Contains(head, `From: "The Mails" <no-reply@sns.amazonaws.com>`) || !strings.Contains(string(text), b.URL+"/?Action=ConfirmSubscription") {
		t.Errorf("%v\n%s\n%s", err, head, text)
	}
}

func receive(t *testing.T, mails <-chan string) string {
	t.Helper()
	select {
	case m := <-mails:
		return m
	case <-time.After(patience):
		t.Fatal("no mail came")
		return ""
	}
}

// relay speaks SMTP on a connection. One that refuses says so to every recipient, for now.
func relay(conn net.Conn, refuse bool, mails chan<- string) {
	defer conn.Close()
	r, data, in := bufio.NewReader(conn), strings.Builder{}, false
	fmt.Fprint(conn, "220 relay\r\n")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		answer := "250 ok"
		switch verb := strings.ToUpper(line[:min(4, len(line))]); {
		case in && line == ".\r\n":
			in = false
			mails <- data.String()
		case in:
			data.WriteString(line)
			continue
		case verb == "RCPT" && refuse:
			answer = "451 later"
			mails <- "refused"
		case verb == "DATA":
			in, answer = true, "354 go on"
		case verb == "QUIT":
			answer = "221 bye"
		}
		fmt.Fprint(conn, answer+"\r\n")
	}
}
