// Command module is a function for the sandbox suite: a WebAssembly command that reads an event and writes an answer.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

var started int

func main() {
	started++
	var e struct {
		Do, Path, Text string
		N              int
	}
	check(json.NewDecoder(os.Stdin).Decode(&e))
	var out any
	switch e.Do {
	case "echo":
		out = fmt.Sprint(started, " ", e.Text, " ", os.Getenv("AWS_LAMBDA_REQUEST_ID"), " ", os.Getenv("MINE"))
	case "read":
		b, err := os.ReadFile(e.Path)
		check(err)
		out = string(b)
	case "write":
		check(os.WriteFile(e.Path, []byte(e.Text), 0o644))
	case "exit":
		os.Exit(e.N)
	case "print":
		fmt.Fprintln(os.Stderr, e.Text)
		return
	case "loop":
		for {
		}
	case "memory":
		var kept [][]byte
		for range e.N {
			kept = append(kept, make([]byte, 1<<20))
		}
		out = len(kept)
	}
	b, err := json.Marshal(out)
	check(err)
	_, err = os.Stdout.Write(b)
	check(err)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
