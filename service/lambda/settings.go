package lambda

import (
	"context"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/lambda/environ"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/layer"
	"github.com/brume-dev/brume/service/lambda/reach"
)

// settings are the members that CreateFunction and UpdateFunctionConfiguration share; nil ones stay as they are.
type settings struct {
	Runtime                                string
	Role, Handler, Description, KMSKeyArn  *string
	Timeout, MemorySize                    *int32
	VpcConfig                              *lambdaapi.VpcConfig
	Environment                            *lambdaapi.Environment
	DeadLetterConfig                       *lambdaapi.DeadLetterConfig
	TracingConfig                          *lambdaapi.TracingConfig
	Layers                                 []string    // nil: they stay
	layers                                 []layer.Ref // what they are
	FileSystemConfigs                      []lambdaapi.FileSystemConfig
	ImageConfig                            *lambdaapi.ImageConfig
	EphemeralStorage                       *lambdaapi.EphemeralStorage
	SnapStart                              *lambdaapi.SnapStart
	LoggingConfig                          *lambdaapi.LoggingConfig
	Tenancy, CapacityProvider, DurableCode bool // a TenancyConfig, CapacityProviderConfig, DurableConfig is there
}

func settingsOfCreate(in *lambdaapi.CreateFunctionRequest) *settings {
	return &settings{Runtime: value(in.Runtime), Role: &in.Role, Handler: in.Handler, Description: in.Description, KMSKeyArn: in.KMSKeyArn,
		Timeout: in.Timeout, MemorySize: in.MemorySize, VpcConfig: in.VpcConfig, Environment: in.Environment,
		DeadLetterConfig: in.DeadLetterConfig, TracingConfig: in.TracingConfig, Layers: in.Layers,
		FileSystemConfigs: in.FileSystemConfigs, ImageConfig: in.ImageConfig, EphemeralStorage: in.EphemeralStorage,
		SnapStart: in.SnapStart, LoggingConfig: in.LoggingConfig, Tenancy: in.TenancyConfig != nil,
		CapacityProvider: in.CapacityProviderConfig != nil, DurableCode: in.DurableConfig != nil}
}

func settingsOfUpdate(in *lambdaapi.UpdateFunctionConfigurationRequest) *settings {
	return &settings{Runtime: value(in.Runtime), Role: in.Role, Handler: in.Handler, Description: in.Description, KMSKeyArn: in.KMSKeyArn,
		Timeout: in.Timeout, MemorySize: in.MemorySize, VpcConfig: in.VpcConfig, Environment: in.Environment,
		DeadLetterConfig: in.DeadLetterConfig, TracingConfig: in.TracingConfig, Layers: in.Layers,
		FileSystemConfigs: in.FileSystemConfigs, ImageConfig: in.ImageConfig, EphemeralStorage: in.EphemeralStorage,
		SnapStart: in.SnapStart, LoggingConfig: in.LoggingConfig,
		CapacityProvider: in.CapacityProviderConfig != nil, DurableCode: in.DurableConfig != nil}
}

// check refuses what Lambda refuses, and what Brume does not have.
func (s *Service) check(ctx context.Context, id aws.Identity, p place, in *settings) error {
	for _, lack := range []struct {
		there bool
		what  string
	}{{in.ImageConfig != nil, "functions in container images (ImageConfig)"}, {len(in.FileSystemConfigs) > 0, "file systems (FileSystemConfigs)"},
		{in.Tenancy, "tenant isolation (TenancyConfig)"}, {in.CapacityProvider, "managed instances (CapacityProviderConfig)"},
		{in.DurableCode, "durable functions (DurableConfig)"}} {
		if lack.there {
			return fault.Invalid("Brume does not have %s yet; docs/COMPATIBILITY.md lists what is there", lack.what)
		}
	}
	if in.Timeout != nil && *in.Timeout > maxTimeout {
		return fault.Constraint(*in.Timeout, "timeout", "less than or equal to 900")
	}
	if in.MemorySize != nil && *in.MemorySize > maxMemoryMB {
		return fault.Constraint(*in.MemorySize, "memorySize", "less than or equal to 10240")
	}
	if err := s.checkRuntime(ctx, in.Runtime); err != nil {
		return err
	}
	if err := environ.Check(in.Environment); err != nil {
		return err
	}
	if err := checkDeadLetter(in.DeadLetterConfig); err != nil {
		return err
	}
	if l := in.LoggingConfig; l != nil && l.LogFormat != lambdaapi.LogFormatJson && (l.ApplicationLogLevel != "" || l.SystemLogLevel != "") {
		return fault.Invalid("ApplicationLogLevel and SystemLogLevel are not supported when LogFormat is set to \"Text\". " +
			"Remove ApplicationLogLevel and SystemLogLevel from your request or change the LogFormat to \"JSON\" and try again.")
	}
	if in.Role != nil {
		return s.checkRole(ctx, id, p, *in.Role)
	}
	return nil
}

// checkRuntime refuses what is no runtime, one that AWS has retired, and one that this machine lacks.
func (s *Service) checkRuntime(ctx context.Context, runtime string) error {
	if runtime == "" {
		return nil
	}
	if slices.Contains(pastRuntimes(), runtime) {
		return fault.Invalid("The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. "+
			"We recommend you use a supported runtime while creating or updating functions.", runtime)
	}
	if known := lambdaapi.Runtime("").EnumValues(); !slices.Contains(known, runtime) {
		current := slices.DeleteFunc(known, func(r string) bool { return slices.Contains(pastRuntimes(), r) })
		return fault.Invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN",
			runtime, strings.Join(current, ", "))
	}
	if _, err := s.Runner.Runtime(ctx, runtime); err != nil {
		return fault.Invalid("The runtime parameter of %s cannot be used on this machine: %v", runtime, err)
	}
	return nil
}

// pastRuntimes are those that AWS has retired.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated
func pastRuntimes() []string {
	return []string{"nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs16.x",
		"nodejs18.x", "java8", "python2.7", "python3.6", "python3.7", "python3.8", "python3.9", "dotnetcore1.0", "dotnetcore2.0",
		"dotnetcore2.1", "dotnetcore3.1", "dotnet6", "ruby2.5", "ruby2.7", "ruby3.2", "go1.x", "provided"}
}

// checkRole finds out by doing whether Lambda may assume the role.
func (s *Service) checkRole(ctx context.Context, id aws.Identity, p place, role string) error {
	if a, err := aws.ParseARN(role); err != nil || a.Account != p.Account {
		return aws.Errorf("AccessDeniedException", 403, "Cross-account pass role is not allowed.")
	}
	_, _, err := s.Roles.Assume(ctx, s.service(p, id.Request), role, p.Name)
	if _, refused := fault.Of(err); refused {
		return fault.Invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	return err
}

// service is Lambda itself, acting for a function.
func (s *Service) service(p place, r aws.Request) aws.Identity {
	return aws.ForService(principal, p.Account, p.Region, p.FunctionARN(), r)
}

// reaches refuses a target that a role may not deliver to for the function at p.
func (s *Service) reaches(ctx context.Context, id aws.Identity, p place, role, whose, arn string) error {
	return reach.Reach{Roles: s.Roles, Permits: s.Permits}.Check(ctx, s.service(p, id.Request), p.Name, role, whose, arn)
}

// checkDeadLetters is reaches for the dead-letter queue that a request sets, if it does.
func (s *Service) checkDeadLetters(ctx context.Context, id aws.Identity, p place, role string, d *lambdaapi.DeadLetterConfig) error {
	if d == nil || value(d.TargetArn) == "" {
		return nil
	}
	return s.reaches(ctx, id, p, role, "provided", *d.TargetArn)
}

func checkDeadLetter(d *lambdaapi.DeadLetterConfig) error {
	if d == nil || value(d.TargetArn) == "" {
		return nil
	}
	a, err := aws.ParseARN(*d.TargetArn)
	if err != nil || a.Service != "sqs" && a.Service != "sns" || target.Check(*d.TargetArn) != nil || strings.HasSuffix(a.Resource, ".fifo") {
		return fault.Invalid("The provided target ARN %s is invalid. A dead-letter queue is a standard SQS queue or SNS topic.", *d.TargetArn)
	}
	return nil
}

// apply writes the settings into c.
func (in *settings) apply(c *config, p place) {
	put(&c.Role, in.Role)
	put(&c.Handler, in.Handler)
	put(&c.Description, in.Description)
	put(&c.Key, in.KMSKeyArn)
	put(&c.Timeout, in.Timeout)
	put(&c.MemoryMB, in.MemorySize)
	if in.Runtime != "" {
		c.Runtime = in.Runtime
	}
	if in.Environment != nil {
		c.Env, c.HasEnv = in.Environment.Variables, len(in.Environment.Variables) > 0
	}
	if in.DeadLetterConfig != nil {
		c.DeadLetter = value(in.DeadLetterConfig.TargetArn)
	}
	if in.TracingConfig != nil && in.TracingConfig.Mode != "" {
		c.Tracing = string(in.TracingConfig.Mode)
	}
	if in.EphemeralStorage != nil {
		c.TmpMB = in.EphemeralStorage.Size
	}
	if in.SnapStart != nil {
		c.SnapStart = string(in.SnapStart.ApplyOn)
	}
	if v := in.VpcConfig; v != nil {
		c.Network = nil
		if len(v.SubnetIds)+len(v.SecurityGroupIds) > 0 {
			c.Network = &network{Subnets: v.SubnetIds, Groups: v.SecurityGroupIds, IPv6: value(v.Ipv6AllowedForDualStack)}
		}
	}
	if in.Layers != nil {
		c.Layers = in.layers
	}
	if in.LoggingConfig != nil {
		c.Logging.apply(in.LoggingConfig, p.Name)
	}
}

func put[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (l *logging) apply(in *lambdaapi.LoggingConfig, name string) {
	if in.LogFormat != "" {
		l.Format = string(in.LogFormat)
	}
	if l.Format == string(lambdaapi.LogFormatJson) {
		l.Application = orText(string(in.ApplicationLogLevel), orText(l.Application, "INFO"))
		l.System = orText(string(in.SystemLogLevel), orText(l.System, "INFO"))
	} else {
		l.Application, l.System = "", ""
	}
	l.Group = orText(value(in.LogGroup), orText(l.Group, defaultGroup(name)))
}

func defaultGroup(name string) string { return "/aws/lambda/" + name }

func orText(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
