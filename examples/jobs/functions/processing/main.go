// Command processing does a job: it sleeps for so many seconds and stores the results. It is app.py in Go.
package main

import (
	"fmt"
	"time"

	"github.com/brume-dev/brume/examples/jobs/runtime"
)

// longest is how many seconds a job may take; a longer one fails.
const longest = 300

type job struct {
	ID         string `json:"id"`
	Parameters struct {
		Seconds int `json:"seconds"`
	} `json:"parameters"`
}

func main() {
	runtime.Run(func(j job) error {
		seconds := j.Parameters.Seconds
		if seconds > longest {
			return fmt.Errorf("a job may take %d seconds, not %d", longest, seconds)
		}
		time.Sleep(time.Duration(seconds) * time.Second)
		return runtime.PutJob(map[string]string{"id": j.ID, "status": "Success", "results": fmt.Sprintf(`{"seconds": %d}`, seconds)})
	})
}
