package apigateway

// Limits of API Gateway,
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html and
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html.
const (
	maxAPIs           = 600 // regional APIs of an account and region
	maxResources      = 300 // of an API
	maxStages         = 10
	maxAuthorizers    = 10
	maxKeys           = 10000 // API keys of an account and region
	minKey            = 20    // characters
	maxKey            = 128
	keyLength         = 40 // of a value that nobody chose
	maxPlans          = 300
	maxUsageDays      = 90        // of one answer of GetUsage
	maxModels         = 300       // not published; as many as resources
	maxModelSize      = 400 << 10 // bytes of a model's schema
	maxTemplateSize   = 300 << 10
	maxVariables      = 100  // stage variables
	maxVariableName   = 64   // characters
	maxVariableValue  = 512  // characters
	maxPolicy         = 8192 // bytes of a resource policy
	maxTags           = 50
	maxDefinition     = 6 << 20 // bytes of an OpenAPI file
	maxName           = 1024
	maxLogFormat      = 3072
	minTimeout        = 50     // milliseconds of an integration
	maxTimeout        = 29_000 // of an integration, before it is raised
	raisedTimeout     = 300_000
	maxMinCompression = 10485760

	pageSize = 25
	maxPage  = 500

	idLength     = 10 // of an API
	shortID      = 6  // of everything in it
	accountRate  = 10_000.0
	accountBurst = 5_000
)
