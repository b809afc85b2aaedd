// Package mail sends mails to an SMTP relay (RFC 5321), one connection for each.
package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"strings"
	"time"
)

// Mail is a mail.
type Mail struct {
	ID       string // unique; Message-ID is made of it
	FromName string // what the sender is called
	From     string // address
	To       string // address
	Subject  string
	Text     string
	Date     time.Time
}

// Address checks that s is the address of a mailbox, and nothing more.
func Address(s string) error {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || strings.ContainsAny(s, "\r\n<> ") {
		return fmt.Errorf("mail: %q is not an address", s)
	}
	return nil
}

// Bytes is m in the form of RFC 5322.
func (m *Mail) Bytes() []byte {
	var b bytes.Buffer
	from := mail.Address{Name: m.FromName, Address: m.From}
	fmt.Fprintf(&b, "Date: %s\r\nFrom: %s\r\nTo: %s\r\nMessage-ID: <%s@brume>\r\nSubject: %s\r\n", m.Date.Format(time.RFC1123Z), from.String(), m.To,
		m.ID, mime.QEncoding.Encode("utf-8", m.Subject))
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	for text := base64.StdEncoding.EncodeToString([]byte(m.Text)); text != ""; {
		n := min(len(text), 76)
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return b.Bytes()
}

// Relay is an SMTP server that takes mails for everybody, at an address and port. STARTTLS is used where it is offered.
type Relay struct {
	Address string
}

// Send hands m over. It returns when the relay has taken responsibility for it. The deadline of ctx holds.
func (r Relay) Send(ctx context.Context, m *Mail) (err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", r.Address)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	host, _, _ := net.SplitHostPort(r.Address)
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		_ = conn.Close()
		return fmt.Errorf("mail: %w", err)
	}
	defer c.Close()
	if ok, _ := c.Extension("STARTTLS"); ok {
		if err := c.StartTLS(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}); err != nil {
			return fmt.Errorf("mail: %w", err)
		}
	}
	if err := c.Mail(m.From); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := c.Rcpt(m.To); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	w, err := c.Data()
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if _, err := io.Copy(w, bytes.NewReader(m.Bytes())); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := w.Close(); err != nil { // the relay's answer to the data
		return fmt.Errorf("mail: %w", err)
	}
	_ = c.Quit() // it has the mail
	return nil
}
