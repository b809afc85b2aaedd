package maprun

// Limits of map runs. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
const (
	MaxRedrives = 1_000 // of a map run
)

// Our own.
const (
	maxOpen       = 1_000   // child executions that this process has open in one map run, whatever MaxConcurrency says
	perCommit     = 50      // children that begin in one transaction
	commitBytes   = 1 << 20 // bytes of their inputs
	roundsAtOnce  = 100     // transactions before the promise to read on is made anew
	expressAtOnce = 64      // express children that run at once, of one map run
	stopAtOnce    = 100     // children that are looked up to be stopped
	resultsAtOnce = 200     // results that are read in one view
	maxFile       = 1 << 30 // bytes of a file of results, about
	listed        = 100     // map runs on a page
)
