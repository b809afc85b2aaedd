package sqs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/store"
)

// shareable are the actions that AddPermission takes, as policies spell them.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
var shareable = []string{"*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl",
	"ListDeadLetterSourceQueues", "PurgeQueue"}

// AddPermission adds a statement to the policy of a queue.
func (s *Service) AddPermission(ctx context.Context, id aws.Identity, in *sqsapi.AddPermissionRequest) (*sqsapi.AddPermissionOutput, error) {
	if in.Label == "" || len(in.Label) > maxName || !isWord(in.Label) {
		return nil, badValue(in.Label, "Label", "The label must be 1 to 80 alphanumeric characters, hyphens and underscores.")
	}
	if len(in.Actions) == 0 {
		return nil, missing("Actions")
	}
	if len(in.Actions) > maxActions {
		return nil, &sqsapi.OverLimit{Message: fmt.Sprintf("%d Actions were found, maximum allowed is %d.", len(in.Actions), maxActions)}
	}
	for _, a := range in.Actions {
		if !slices.Contains(shareable, a) {
			return nil, badValue("SQS:"+a, "ActionName", "Only the queue owner is allowed to invoke this action.")
		}
	}
	if len(in.AWSAccountIds) == 0 {
		return nil, missing("AWSAccountIds")
	}
	for _, a := range in.AWSAccountIds {
		if !isAccount(a) {
			return nil, badValue(in.AWSAccountIds, "PrincipalId", "Unable to verify.")
		}
	}
	return &sqsapi.AddPermissionOutput{}, s.change(ctx, id, in.QueueUrl, func(tx store.Tx, q *queue, rec *queueRecord) error {
		return addStatement(q, rec, in, tx.Now().Unix())
	})
}

func addStatement(q *queue, rec *queueRecord, in *sqsapi.AddPermissionRequest, now int64) error {
	doc, list, err := statements(q)
	if err != nil {
		return err
	}
	for _, st := range list.Items {
		if sid(st) == in.Label {
			return badValue(in.Label, "Label", "Already exists.")
		}
	}
	if len(list.Items) >= maxStatements {
		return &sqsapi.OverLimit{Message: "The policy of the queue has too many statements."}
	}
	var principals, actions []any
	for _, a := range in.AWSAccountIds {
		principals = append(principals, "arn:"+aws.Partition+":iam::"+a+":root")
	}
	for _, a := range in.Actions {
		actions = append(actions, "SQS:"+a)
	}
	st, principal := jsondoc.NewObject(), jsondoc.NewObject()
	principal.Set("AWS", oneOrMany(principals))
	st.Set("Sid", in.Label)
	st.Set("Effect", "Allow")
	st.Set("Principal", principal)
	st.Set("Action", oneOrMany(actions))
	st.Set("Resource", q.arn())
	list.Items = append(list.Items, st)
	doc.Set("Statement", list)
	text := jsondoc.Text(doc)
	rec.Attributes[attributePolicy], rec.Modified = text, now
	return checkPolicy(text)
}

func oneOrMany(items []any) any {
	if len(items) == 1 {
		return items[0]
	}
	return &jsondoc.Array{Items: items}
}

// statements returns the policy of a queue, a new one where there is none, and its statements.
func statements(q *queue) (*jsondoc.Object, *jsondoc.Array, error) {
	doc, list := jsondoc.NewObject(), &jsondoc.Array{}
	text := q.Attributes[attributePolicy]
	if text == "" {
		doc.Set("Version", "2008-10-17")
		doc.Set("Id", q.arn()+"/SQSDefaultPolicy")
		return doc, list, nil
	}
	v, err := jsondoc.Parse([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	doc, ok := v.(*jsondoc.Object)
	if !ok {
		return nil, nil, badAttribute(attributePolicy)
	}
	switch st, _ := doc.Get("Statement"); st := st.(type) {
	case *jsondoc.Array:
		list.Items = slices.Clone(st.Items)
	case *jsondoc.Object:
		list.Items = []any{st}
	}
	return doc, list, nil
}

func sid(statement any) string {
	if o, ok := statement.(*jsondoc.Object); ok {
		v, _ := o.Get("Sid")
		s, _ := v.(string)
		return s
	}
	return ""
}

// RemovePermission removes the statement of a label from the policy of a queue.
func (s *Service) RemovePermission(ctx context.Context, id aws.Identity, in *sqsapi.RemovePermissionRequest) (*sqsapi.RemovePermissionOutput, error) {
	return &sqsapi.RemovePermissionOutput{}, s.change(ctx, id, in.QueueUrl, func(tx store.Tx, q *queue, rec *queueRecord) error {
		doc, list, err := statements(q)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(slices.Clone(list.Items), func(st any) bool { return sid(st) == in.Label })
		if len(left) == len(list.Items) {
			return badValue(in.Label, "Label", "can't find label on existing policy")
		}
		rec.Modified = tx.Now().Unix()
		if len(left) == 0 {
			delete(rec.Attributes, attributePolicy)
			return nil
		}
		doc.Set("Statement", &jsondoc.Array{Items: left})
		rec.Attributes[attributePolicy] = jsondoc.Text(doc)
		return nil
	})
}

// ownersOnly are the operations that no policy of a queue lets another account do.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-customer-managed-policy-examples.html
var ownersOnly = strings.Fields("AddPermission CancelMessageMoveTask CreateQueue DeleteQueue ListMessageMoveTasks ListQueues ListQueueTags " +
	"RemovePermission SetQueueAttributes StartMessageMoveTask TagQueue UntagQueue")
