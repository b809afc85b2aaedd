package dataset

// Limits of item readers and batchers.
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html,
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
const (
	MaxItems  = 100_000_000 // MaxItems of a ReaderConfig
	MaxHeader = 10 << 10    // bytes of the header of a CSV file
)

// Our own.
const (
	listPage    = 1000     // objects asked for at once
	maxManifest = 64 << 20 // bytes of a manifest
	maxRow      = 1 << 20  // bytes of a row of a CSV file: an item that is all quotation marks, and more
)
