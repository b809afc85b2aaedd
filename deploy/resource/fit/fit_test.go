package fit_test

import (
	"reflect"
	"testing"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/deploy/resource/fit"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/shape"
)

func TestInput(t *testing.T) {
	doc, err := jsondoc.Parse([]byte(`{"QueueName":"q","Attributes":{"DelaySeconds":5,"Policy":{"Version":"1"}},"tags":[{"Key":"a","Value":1}],"Unknown":true}`))
	if err != nil {
		t.Fatal(err)
	}
	got := jsondoc.Text(fit.Input(doc, shape.Of(reflect.TypeFor[sqsapi.CreateQueueRequest]())))
	if want := `{"QueueName":"q","Attributes":{"DelaySeconds":"5","Policy":"{\"Version\":\"1\"}"},"tags":{"a":"1"}}`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
