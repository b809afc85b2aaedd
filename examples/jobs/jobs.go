// Package jobs carries the files of the jobs example, so that brume demo has them wherever it runs.
package jobs

import "embed"

// Files are the template and the folders that it names.
//
//go:embed template.yaml functions
var Files embed.FS
