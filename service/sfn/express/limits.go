package express

import "time"

// MaxTime is how long an express execution may run. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
const MaxTime = 5 * time.Minute

// maxTries is how often a request is made that Brume itself could not make, our own limit.
const maxTries = 3
