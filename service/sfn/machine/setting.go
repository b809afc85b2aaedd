package machine

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
)

func tracing(c *sfnapi.TracingConfiguration) bool { return c != nil && aws.Or(c.Enabled, false) }

// configure checks the settings of a revision as far as they can be checked by themselves, and sets them; nil ones stay as
// they are.
func (m *Machines) configure(rev *Revision, l *sfnapi.LoggingConfiguration, e *sfnapi.EncryptionConfiguration) (err error) {
	if err := checkRole(rev.Role, rev.Account); err != nil {
		return err
	}
	if l != nil {
		if rev.Logging, err = logging(l); err != nil {
			return err
		}
	}
	if e != nil {
		if rev.encryption, err = encryptionOf(e); err != nil {
			return err
		}
	}
	return nil
}

// checkRole checks the form of a role's ARN.
func checkRole(role, account string) error {
	a, err := aws.ParseARN(role)
	if err != nil || a.Service != "iam" || a.Region != "" || len(a.Account) != 12 || !strings.HasPrefix(a.Resource, "role/") {
		return &sfnapi.InvalidArn{Message: "Invalid Role Arn: '" + role + "'"}
	}
	if a.Account != account {
		return denied("Cross-account pass role is not allowed.")
	}
	return nil
}

func badLogging(why string) error {
	return &sfnapi.InvalidLoggingConfiguration{Message: "Invalid Logging Configuration: " + why}
}

// logging checks a logging configuration.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_LoggingConfiguration.html
func logging(c *sfnapi.LoggingConfiguration) (Logging, error) {
	l := Logging{Level: string(c.Level), Data: aws.Or(c.IncludeExecutionData, false)}.whole()
	if len(c.Destinations) > 1 || len(c.Destinations) == 0 && l.On() {
		return l, badLogging("Must specify exactly one Log Destination.")
	}
	for _, d := range c.Destinations {
		if d.CloudWatchLogsLogGroup == nil || d.CloudWatchLogsLogGroup.LogGroupArn == nil {
			return l, badLogging("Must specify exactly one Log Destination.")
		}
		l.Group = *d.CloudWatchLogsLogGroup.LogGroupArn
		if _, _, err := l.Where(); err != nil {
			return l, err
		}
	}
	return l, nil
}

// whole is the configuration with what it does not say.
func (l Logging) whole() Logging {
	if l.Level == "" {
		l.Level = string(sfnapi.LogLevelOff)
	}
	return l
}

// On reports whether anything is logged.
func (l Logging) On() bool { return l.Level != "" && l.Level != string(sfnapi.LogLevelOff) }

// Where is the place and name of the log group.
func (l Logging) Where() (Place, string, error) {
	a, err := aws.ParseARN(l.Group)
	name, isGroup := strings.CutPrefix(a.Resource, "log-group:")
	if err != nil || a.Service != "logs" || !isGroup || a.Region == "" || a.Account == "" {
		return Place{}, "", badLogging("Invalid Log Destination ARN: " + l.Group)
	}
	name, all := strings.CutSuffix(name, ":*")
	if !all {
		return Place{}, "", badLogging("Log Group ARN must be provided with '*' qualifier.")
	}
	return Place{a.Account, a.Region}, name, nil
}

func (l Logging) shown() *sfnapi.LoggingConfiguration {
	l = l.whole()
	out := &sfnapi.LoggingConfiguration{Level: sfnapi.LogLevel(l.Level), IncludeExecutionData: &l.Data}
	if l.Group != "" {
		out.Destinations = []sfnapi.LogDestination{{CloudWatchLogsLogGroup: &sfnapi.CloudWatchLogsLogGroup{LogGroupArn: &l.Group}}}
	}
	return out
}

func badEncryption(why string) error {
	return &sfnapi.InvalidEncryptionConfiguration{Message: "Invalid Encryption Configuration: " + why}
}

// encryptionOf checks an encryption configuration.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_EncryptionConfiguration.html
func encryptionOf(c *sfnapi.EncryptionConfiguration) (encryption, error) {
	e := encryption{Type: string(c.Type), Key: aws.Or(c.KmsKeyId, ""), Reuse: aws.Or(c.KmsDataKeyReusePeriodSeconds, 0)}
	switch {
	case c.Type == sfnapi.EncryptionTypeAwsOwnedKey && (e.Key != "" || e.Reuse != 0):
		return e, badEncryption("kmsKeyId and kmsDataKeyReusePeriodSeconds can only be set when type is CUSTOMER_MANAGED_KMS_KEY")
	case c.Type == sfnapi.EncryptionTypeCustomerManagedKmsKey && e.Key == "":
		return e, badEncryption("kmsKeyId must be set when type is CUSTOMER_MANAGED_KMS_KEY")
	case c.Type == sfnapi.EncryptionTypeCustomerManagedKmsKey && e.Reuse == 0:
		e.Reuse = defaultReuse
	}
	return e, nil
}

// CheckEncryption is encryptionOf for what is not a state machine.
func CheckEncryption(c *sfnapi.EncryptionConfiguration) error {
	_, err := encryptionOf(c)
	return err
}

func (e encryption) shown() *sfnapi.EncryptionConfiguration {
	if e.Type == "" {
		return &sfnapi.EncryptionConfiguration{Type: sfnapi.EncryptionTypeAwsOwnedKey}
	}
	return &sfnapi.EncryptionConfiguration{Type: sfnapi.EncryptionType(e.Type), KmsKeyId: aws.Some(e.Key), KmsDataKeyReusePeriodSeconds: aws.Some(e.Reuse)}
}

// reach checks what a revision names outside: that the service may assume the role, that the role reaches the log group,
// and that the caller may use the key. What is as in old was checked before.
func (m *Machines) reach(ctx context.Context, id aws.Identity, rev, old *Revision) error {
	role, _, err := m.Roles.Assume(ctx, rev.Identity(id.Request), rev.Role, rev.Name)
	if err != nil {
		if code := aws.CodeOf(err); code != "AccessDenied" && code != "AccessDeniedException" {
			return err
		}
		return denied("Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role.")
	}
	if rev.Logging.Group != "" && (old == nil || old.Logging.Group != rev.Logging.Group) {
		if err := m.reachLog(ctx, role, rev); err != nil {
			return err
		}
	}
	if rev.encryption.Key != "" && (old == nil || old.encryption.Key != rev.encryption.Key) {
		return m.reachKey(ctx, id, rev)
	}
	return nil
}

// reachLog looks for the log group with the permissions of the role, and lets the delivery of logs write to it, as Step
// Functions does. https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
func (m *Machines) reachLog(ctx context.Context, role aws.Identity, rev *Revision) error {
	at, name, err := rev.Logging.Where()
	if err != nil {
		return err
	}
	if at.Region != rev.Region {
		return badLogging("Log Destination must be in the same region as the state machine.")
	}
	out, err := m.logs.DescribeLogGroups(ctx, role, &logsapi.DescribeLogGroupsRequest{LogGroupNamePrefix: &name})
	if err != nil {
		return unloggable(err)
	}
	for _, g := range out.LogGroups {
		if aws.Or(g.LogGroupName, "") == name {
			return m.letDeliver(ctx, role, at, name)
		}
	}
	return badLogging("Log Destination not found: " + rev.Logging.Group)
}

func unloggable(err error) error {
	switch aws.CodeOf(err) {
	case "AccessDenied", "AccessDeniedException":
		return denied("The state machine IAM Role is not authorized to access the Log Destination")
	case "LimitExceededException":
		return badLogging("The CloudWatch Logs Resource Policy size was exceeded. We suggest prefixing your CloudWatch log group name with /aws/vendedlogs/states/.")
	}
	return err
}

// reachKey asks KMS for a data key on behalf of the caller, who must be allowed to use the key.
// https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
func (m *Machines) reachKey(ctx context.Context, id aws.Identity, rev *Revision) error {
	id.ViaService = Principal
	out, err := m.keys.GenerateDataKeyWithoutPlaintext(ctx, id, &kmsapi.GenerateDataKeyWithoutPlaintextRequest{KeyId: rev.encryption.Key,
		KeySpec: kmsapi.DataKeySpecAes256, EncryptionContext: keyContext(rev.Ref)})
	if err == nil {
		rev.dataKey = out.CiphertextBlob
		return nil
	}
	switch aws.CodeOf(err) {
	case "AccessDeniedException":
		return &sfnapi.KmsAccessDeniedException{Message: aws.InfoOf(err).Message}
	case "InternalFailure":
		return err
	}
	return badEncryption(aws.InfoOf(err).Message)
}

// MayRead checks that a caller who wants to see the definition, or the data of an execution of it, may use the key that it was given.
// https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
func (m *Machines) MayRead(ctx context.Context, id aws.Identity, rev *Revision) error {
	if !rev.Keyed() {
		return nil
	}
	id.ViaService = Principal
	_, err := m.keys.Decrypt(ctx, id, &kmsapi.DecryptRequest{CiphertextBlob: rev.dataKey, EncryptionContext: keyContext(rev.Ref)})
	switch code := aws.CodeOf(err); {
	case err == nil || code == "InternalFailure":
		return err
	case code == "AccessDeniedException":
		return &sfnapi.KmsAccessDeniedException{Message: aws.InfoOf(err).Message}
	}
	return &sfnapi.KmsInvalidStateException{Message: aws.InfoOf(err).Message, KmsKeyState: sfnapi.KmsKeyStateDisabled}
}

// Keyed reports whether the definition was given a key of the customer's own: then only those who may use it see the definition and what
// executions hold.
func (v *Revision) Keyed() bool { return v.encryption.Key != "" }

// keyContext is the encryption context of a machine's data keys.
func keyContext(r Ref) map[string]string {
	return map[string]string{"aws:states:stateMachineArn": r.ARN()}
}
