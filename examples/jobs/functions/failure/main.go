// Command failure stores the parameters of a job that failed, from the record that Lambda sends to the on-failure
// destination. It is app.py in Go.
package main

import (
	"encoding/json"

	"github.com/brume-dev/brume/examples/jobs/runtime"
)

type record struct {
	RequestPayload struct {
		ID         string          `json:"id"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"requestPayload"`
}

func main() {
	runtime.Run(func(r record) error {
		job := r.RequestPayload
		return runtime.PutJob(map[string]string{"id": job.ID, "status": "Failure", "parameters": string(job.Parameters)})
	})
}
