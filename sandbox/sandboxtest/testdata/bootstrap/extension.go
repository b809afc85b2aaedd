package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// extension is the program as an external extension: what it does depends on the name that it has been given.
func extension(name string) {
	events := []string{"INVOKE", "SHUTDOWN"}
	if name == "telemetry" {
		events = []string{"SHUTDOWN"}
	}
	id, _ := post("register", map[string]any{"events": events}, "Lambda-Extension-Name", name, "Lambda-Extension-Accept-Feature", "accountId")
	switch name {
	case "telemetry":
		listen()
		subscribe(id)
	case "broken":
		post("init/error", map[string]any{}, "Lambda-Extension-Identifier", id, "Lambda-Extension-Function-Error-Type", "Extension.NoLuck")
		os.Exit(1)
	}
	for n := 1; ; n++ {
		event := next(id)
		fmt.Printf("%s: %s %s\n", name, event["eventType"], event["shutdownReason"])
		switch {
		case name == "crasher" && event["eventType"] == "INVOKE":
			os.Exit(5)
		case name == "sleeper" && event["eventType"] == "INVOKE":
			time.Sleep(time.Hour)
		case name == "slow" && event["eventType"] == "INVOKE":
			time.Sleep(100 * time.Millisecond)
			_ = os.WriteFile("/tmp/slow.new", fmt.Append(nil, "event ", n), 0o644)
			_ = os.Rename("/tmp/slow.new", "/tmp/slow")
		case event["eventType"] == "SHUTDOWN" && name != "stubborn":
			os.Exit(0)
		}
	}
}

func api() string { return "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") }

func post(path string, body any, header ...string) (id, answer string) {
	b, _ := json.Marshal(body)
	req, _ := http.NewRequest("POST", api()+"/2020-01-01/extension/"+path, strings.NewReader(string(b)))
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		os.Exit(8)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	fmt.Printf("%s %d %s\n", path, res.StatusCode, strings.TrimSpace(string(text)))
	return res.Header.Get("Lambda-Extension-Identifier"), string(text)
}

func next(id string) map[string]any {
	req, _ := http.NewRequest("GET", api()+"/2020-01-01/extension/event/next", nil)
	req.Header.Set("Lambda-Extension-Identifier", id)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		os.Exit(7)
	}
	defer res.Body.Close()
	var event map[string]any
	if err := json.NewDecoder(res.Body).Decode(&event); err != nil {
		os.Exit(6)
	}
	return event
}

// listen takes telemetry and appends it to a file that the function can read.
func listen() {
	ready := make(chan error)
	go func() {
		ready <- nil
		err := http.ListenAndServe("sandbox.localdomain:8080", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			var events []json.RawMessage
			_ = json.NewDecoder(r.Body).Decode(&events)
			f, err := os.OpenFile("/tmp/telemetry", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			if err != nil {
				return
			}
			defer f.Close()
			for _, e := range events {
				fmt.Fprintf(f, "%s\n", e)
			}
		}))
		fmt.Println(err)
	}()
	<-ready
}

func subscribe(id string) {
	body := `{"schemaVersion":"2022-12-13","types":["platform","function","extension"],"buffering":{"timeoutMs":25},
		"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080/take"}}`
	req, _ := http.NewRequest("PUT", api()+"/2022-07-01/telemetry", strings.NewReader(body))
	req.Header.Set("Lambda-Extension-Identifier", id)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		os.Exit(4)
	}
	text, _ := io.ReadAll(res.Body)
	fmt.Printf("subscribe %d %s\n", res.StatusCode, text)
}

// extensionName is the name under which the program was started as an extension, or "".
func extensionName() string {
	if filepath.Base(filepath.Dir(os.Args[0])) == "extensions" {
		return filepath.Base(os.Args[0])
	}
	return ""
}

// internal makes the runtime an internal extension too, which ends in order.
func internal() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	id, _ := post("register", map[string]any{"events": []string{"INVOKE"}}, "Lambda-Extension-Name", "internal")
	go func() {
		for {
			fmt.Println("internal", next(id)["eventType"])
		}
	}()
	go func() {
		<-ended
		fmt.Println("SIGTERM")
		os.Exit(0)
	}()
}
