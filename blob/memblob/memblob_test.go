package memblob_test

import (
	"testing"

	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/blob/blobtest"
	"github.com/brume-dev/brume/blob/memblob"
	"github.com/brume-dev/brume/clock"
)

func TestStore(t *testing.T) {
	blobtest.Run(t, func(*testing.T) blob.Store { return memblob.New(clock.Real()) })
}
