// Package kubernetes holds the manifests of deploy/kubernetes against the types that Kubernetes publishes, and what they say against each other.
package kubernetes

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const directory = "../../deploy/kubernetes"

// What the name of an example ends with, so that whoever applies the whole directory does not apply it.
const exampleSuffix = ".example"

// What the operator makes, as the comments of the manifests say.
var madeByOthers = map[string]bool{"Secret/guide-board-runs-tls": true}

// The server's own bound beyond --drain and --job-grace, in seconds: two for processes that do not end, one for calls, and the rest rounded up.
const slack = 4

// What Kubernetes takes for a preStop and an option that is left out.
const defaultDrain, defaultJobGrace = 10, 5

// What the kubelet keeps of a container's log before it turns it over for good: five files of 10 MiB, where nothing else is configured.
var logs = resource.MustParse("50Mi")

type document struct {
	file   string
	object runtime.Object
}

func (d document) meta(t *testing.T) metav1.Object {
	t.Helper()
	meta, ok := d.object.(metav1.Object)
	if !ok {
		t.Fatalf("%s: %T has no metadata", d.file, d.object)
	}
	return meta
}

// strictDecoder is the API server's own: a field that is unknown or stands twice is an error, and so is a kind that is not published.
func strictDecoder(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, networkingv1.AddToScheme, rbacv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
}

func decode(decoder runtime.Decoder, file string, text []byte) ([]document, error) {
	var found []document
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		one, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		object, _, err := decoder.Decode(one, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		found = append(found, document{file, object})
	}
}

func documents(t *testing.T) []document {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.y*ml", "*.y*ml" + exampleSuffix} {
		found, err := filepath.Glob(filepath.Join(directory, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 6 {
		t.Fatalf("%v", files)
	}
	decoder := strictDecoder(t)
	var all []document
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found, err := decode(decoder, filepath.Base(file), text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// pod is a pod wherever it stands: by itself, or in the template of something that makes pods.
type pod struct {
	document
	labels map[string]string
	spec   corev1.PodSpec
}

func pods(t *testing.T) []pod {
	var found []pod
	for _, one := range documents(t) {
		switch object := one.object.(type) {
		case *corev1.Pod:
			found = append(found, pod{one, object.Labels, object.Spec})
		case *appsv1.Deployment:
			selector, err := metav1.LabelSelectorAsSelector(object.Spec.Selector)
			if err != nil || !selector.Matches(labels.Set(object.Spec.Template.Labels)) {
				t.Errorf("%s: the Deployment does not select its own pods", one.file)
			}
			found = append(found, pod{one, object.Spec.Template.Labels, object.Spec.Template.Spec})
		case *batchv1.Job:
			found = append(found, pod{one, object.Spec.Template.Labels, object.Spec.Template.Spec})
		}
	}
	if len(found) != 3 {
		t.Fatalf("%d pods, of three manifests", len(found))
	}
	return found
}

func (p pod) containers() []corev1.Container {
	return append(append([]corev1.Container{}, p.spec.InitContainers...), p.spec.Containers...)
}

// option is what an argument `--name=value` of a container says.
func option(container corev1.Container, name string) (string, bool) {
	for _, argument := range container.Args {
		if value, ok := strings.CutPrefix(argument, "--"+name+"="); ok {
			return value, true
		}
	}
	return "", false
}

func seconds(t *testing.T, container corev1.Container, name string, otherwise float64) float64 {
	text, ok := option(container, name)
	if !ok {
		return otherwise
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Errorf("--%s: %v", name, err)
	}
	return value
}

func serves(container corev1.Container) bool {
	return len(container.Args) > 0 && container.Args[0] == "serve"
}

func TestEveryDocumentIsOneOfAPublishedTypeAndAWrongFieldIsNot(t *testing.T) {
	for _, one := range documents(t) {
		meta := one.meta(t)
		name := meta.GetName()
		if name == "" {
			name = strings.TrimSuffix(meta.GetGenerateName(), "-")
		}
		for _, problem := range validation.IsDNS1123Subdomain(name) {
			t.Errorf("%s: %q: %s", one.file, name, problem)
		}
		for key, value := range meta.GetLabels() {
			for _, problem := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
				t.Errorf("%s: label %s=%s: %s", one.file, key, value, problem)
			}
		}
	}
	decoder := strictDecoder(t)
	for _, wrong := range []string{
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {restartPolicies: Never}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {restartPolicy: Never, restartPolicy: Never}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: {}}\n",
		"apiVersion: v1\nkind: Pods\nmetadata: {name: a}\n",
		"apiVersion: example.org/v1\nkind: Pod\nmetadata: {name: a}\n",
		"kind: Pod\nmetadata: {name: a}\n",
	} {
		if _, err := decode(decoder, "wrong", []byte(wrong)); err == nil {
			t.Errorf("decoded: %s", wrong)
		}
	}
}

func TestWhatAManifestNamesIsThere(t *testing.T) {
	made := map[string]bool{}
	for _, one := range documents(t) {
		switch object := one.object.(type) {
		case *corev1.Secret, *corev1.PersistentVolumeClaim:
			kind := object.GetObjectKind().GroupVersionKind().Kind
			made[kind+"/"+one.meta(t).GetName()] = true
		}
	}
	keys := map[string]corev1.Secret{}
	for _, one := range documents(t) {
		if secret, ok := one.object.(*corev1.Secret); ok {
			keys[secret.Name] = *secret
		}
	}
	for _, p := range pods(t) {
		volumes := map[string]bool{}
		for _, volume := range p.spec.Volumes {
			volumes[volume.Name] = false
			named := ""
			switch {
			case volume.Secret != nil:
				named = "Secret/" + volume.Secret.SecretName
				for _, item := range volume.Secret.Items {
					if _, ok := keys[volume.Secret.SecretName].StringData[item.Key]; !ok {
						t.Errorf("%s: %s has no key %s", p.file, named, item.Key)
					}
				}
			case volume.PersistentVolumeClaim != nil:
				named = "PersistentVolumeClaim/" + volume.PersistentVolumeClaim.ClaimName
			case volume.EmptyDir != nil:
				if volume.EmptyDir.SizeLimit == nil {
					t.Errorf("%s: the volume %s has no limit", p.file, volume.Name)
				}
				continue
			}
			if !made[named] && !madeByOthers[named] {
				t.Errorf("%s: nothing makes %q of the volume %s", p.file, named, volume.Name)
			}
		}
		for _, container := range p.containers() {
			for _, mount := range container.VolumeMounts {
				if _, ok := volumes[mount.Name]; !ok {
					t.Errorf("%s: %s mounts %s, which is no volume", p.file, container.Name, mount.Name)
				}
				volumes[mount.Name] = true
			}
			for _, name := range []string{"tokens", "tls-cert", "tls-key", "runs-dir", "profiles-dir", "uds"} {
				if path, ok := option(container, name); ok && !isMounted(container, path) {
					t.Errorf("%s: --%s=%s lies in no mount", p.file, name, path)
				}
			}
		}
		for name, used := range volumes {
			if !used {
				t.Errorf("%s: nobody mounts the volume %s", p.file, name)
			}
		}
	}
}

// Applying a manifest again would put the example in the place of the tokens that are in use.
func TestNoManifestBringsASecret(t *testing.T) {
	examples := 0
	for _, one := range documents(t) {
		if _, ok := one.object.(*corev1.Secret); !ok {
			continue
		}
		if strings.HasSuffix(one.file, exampleSuffix) {
			examples++
		} else {
			t.Errorf("%s: the Secret %s", one.file, one.meta(t).GetName())
		}
	}
	if examples != 2 {
		t.Errorf("%d Secrets by way of example, of two manifests", examples)
	}
}

func isMounted(container corev1.Container, path string) bool {
	for _, mount := range container.VolumeMounts {
		if path == mount.MountPath || strings.HasPrefix(path, mount.MountPath+"/") {
			return true
		}
	}
	return false
}

func TestEveryContainerIsBounded(t *testing.T) {
	for _, p := range pods(t) {
		if p.spec.AutomountServiceAccountToken == nil || *p.spec.AutomountServiceAccountToken {
			t.Errorf("%s: the pod gets a token of the API server", p.file)
		}
		all := p.spec.SecurityContext
		if all == nil || all.RunAsNonRoot == nil || !*all.RunAsNonRoot || all.SeccompProfile == nil ||
			all.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: the pod may run as root, or without a seccomp profile", p.file)
			continue
		}
		for _, container := range p.containers() {
			where := p.file + ": " + container.Name
			own := container.SecurityContext
			if own == nil || own.AllowPrivilegeEscalation == nil || *own.AllowPrivilegeEscalation ||
				own.ReadOnlyRootFilesystem == nil || !*own.ReadOnlyRootFilesystem || own.Capabilities == nil ||
				len(own.Capabilities.Drop) != 1 || own.Capabilities.Drop[0] != "ALL" || len(own.Capabilities.Add) != 0 {
				t.Errorf("%s: more rights than it needs", where)
				continue
			}
			if all.RunAsUser == nil && own.RunAsUser == nil {
				t.Errorf("%s: a user of the image's choice", where)
			}
			for _, name := range []corev1.ResourceName{corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
				limit, request := container.Resources.Limits[name], container.Resources.Requests[name]
				if limit.IsZero() || request.IsZero() || request.Cmp(limit) > 0 {
					t.Errorf("%s: %s: request %s, limit %s", where, name, request.String(), limit.String())
				}
			}
		}
	}
}

// The kubelet adds up what the pod has on the node's disk, and evicts it beyond the limits of all of its containers: a volume would never reach its own limit.
func TestTheLimitsOfEphemeralStorageCoverTheVolumesOnTheNodesDisk(t *testing.T) {
	for _, p := range pods(t) {
		var limit, needed resource.Quantity
		for _, container := range p.containers() {
			limit.Add(container.Resources.Limits[corev1.ResourceEphemeralStorage])
			needed.Add(logs)
		}
		for _, volume := range p.spec.Volumes {
			if directory := volume.EmptyDir; directory != nil && directory.Medium != corev1.StorageMediumMemory && directory.SizeLimit != nil {
				needed.Add(*directory.SizeLimit)
			}
		}
		if limit.Cmp(needed) < 0 {
			t.Errorf("%s: the containers may have %s on the node's disk, the volumes and logs %s", p.file, limit.String(), needed.String())
		}
	}
}

func TestProbesAskTheHealthListenerAndTheServerHasTheTimeToEnd(t *testing.T) {
	served := 0
	for _, p := range pods(t) {
		for _, container := range p.containers() {
			if !serves(container) {
				continue
			}
			served++
			where := p.file + ": " + container.Name
			ports := map[string]bool{}
			for _, port := range container.Ports {
				ports[strconv.Itoa(int(port.ContainerPort))] = true
			}
			for _, name := range []string{"listen", "health-listen"} {
				address, ok := option(container, name)
				if _, port, _ := cutLast(address, ":"); ok && !ports[port] {
					t.Errorf("%s: --%s=%s is no port of the container", where, name, address)
				}
			}
			health, _ := option(container, "health-listen")
			_, healthPort, _ := cutLast(health, ":")
			for name, probe := range map[string]*corev1.Probe{
				"startup": container.StartupProbe, "readiness": container.ReadinessProbe, "liveness": container.LivenessProbe,
			} {
				if probe == nil || probe.GRPC == nil || strconv.Itoa(int(probe.GRPC.Port)) != healthPort {
					t.Errorf("%s: the %s probe asks elsewhere than --health-listen=%s", where, name, health)
					continue
				}
				service := ""
				if probe.GRPC.Service != nil {
					service = *probe.GRPC.Service
				}
				if expected := map[string]string{"readiness": "", "liveness": "guideboard.v1.CatalogService"}; name != "startup" &&
					service != expected[name] {
					t.Errorf("%s: the %s probe asks for %q", where, name, service)
				}
			}
			pause := 0.0
			if container.Lifecycle != nil && container.Lifecycle.PreStop != nil && container.Lifecycle.PreStop.Sleep != nil {
				pause = float64(container.Lifecycle.PreStop.Sleep.Seconds)
			}
			needed := pause + seconds(t, container, "drain", defaultDrain) + seconds(t, container, "job-grace", defaultJobGrace) + slack
			if grace := p.spec.TerminationGracePeriodSeconds; grace == nil || float64(*grace) < needed {
				t.Errorf("%s: %v seconds to end, of %v that it may need", where, grace, needed)
			}
		}
	}
	if served != 2 {
		t.Errorf("%d containers serve, of two manifests", served)
	}
}

// cutLast is strings.Cut at the last separator.
func cutLast(text, separator string) (string, string, bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}

func TestTheSidecarIsReadyBeforeTheHarnessAndBothShareItsSocketAndRuns(t *testing.T) {
	for _, p := range pods(t) {
		if _, ok := p.object.(*corev1.Pod); !ok {
			continue
		}
		if len(p.spec.InitContainers) != 1 || len(p.spec.Containers) != 1 {
			t.Fatalf("%s: a sidecar and a harness", p.file)
		}
		sidecar, harness := p.spec.InitContainers[0], p.spec.Containers[0]
		if sidecar.RestartPolicy == nil || *sidecar.RestartPolicy != corev1.ContainerRestartPolicyAlways {
			t.Errorf("%s: the service is no sidecar", p.file)
		}
		if sidecar.StartupProbe == nil || sidecar.StartupProbe.GRPC == nil || sidecar.StartupProbe.GRPC.Service != nil {
			t.Errorf("%s: the harness starts before the first look at the runs has ended", p.file)
		}
		if p.spec.SecurityContext.FSGroup == nil || *sidecar.SecurityContext.RunAsUser == *harness.SecurityContext.RunAsUser {
			t.Errorf("%s: two users and a group of both", p.file)
		}
		at := func(container corev1.Container, path string) string {
			for _, mount := range container.VolumeMounts {
				if mount.MountPath == path {
					return mount.Name
				}
			}
			return "nothing at " + path + " in " + container.Name
		}
		for _, path := range []string{"/runs", "/profiles", "/run/guide-board"} {
			if at(sidecar, path) != at(harness, path) {
				t.Errorf("%s: %s is not shared", p.file, path)
			}
		}
		socket, _ := option(sidecar, "uds")
		environment := map[string]string{}
		for _, variable := range harness.Env {
			environment[variable.Name] = variable.Value
		}
		if environment["GUIDE_BOARD_SERVER"] != "unix:"+socket || !isMounted(harness, environment["GUIDE_BOARD_TOKEN_FILE"]) {
			t.Errorf("%s: the harness looks elsewhere: %v", p.file, environment)
		}
		return
	}
	t.Error("no pod")
}

func TestPoliciesAndServicesMeanPodsAndPortsThatAreThere(t *testing.T) {
	all := pods(t)
	find := func(selector labels.Selector) []pod {
		var found []pod
		for _, p := range all {
			if selector.Matches(labels.Set(p.labels)) {
				found = append(found, p)
			}
		}
		return found
	}
	hasPort := func(p pod, name string) bool {
		for _, container := range p.containers() {
			for _, port := range container.Ports {
				if port.Name == name {
					return true
				}
			}
		}
		return false
	}
	isolated := map[string]bool{}
	for _, one := range documents(t) {
		var selector labels.Selector
		var ports []string
		switch object := one.object.(type) {
		case *corev1.Service:
			selector = labels.SelectorFromSet(object.Spec.Selector)
			for _, port := range object.Spec.Ports {
				ports = append(ports, port.TargetPort.String())
			}
		case *networkingv1.NetworkPolicy:
			var err error
			if selector, err = metav1.LabelSelectorAsSelector(&object.Spec.PodSelector); err != nil {
				t.Fatal(err)
			}
			for _, rule := range object.Spec.Ingress {
				if len(rule.From) == 0 || len(rule.Ports) == 0 {
					t.Errorf("%s: a rule for everybody, or for every port", one.file)
				}
				for _, port := range rule.Ports {
					ports = append(ports, port.Port.String())
				}
			}
		default:
			continue
		}
		meant := find(selector)
		if len(meant) != 1 {
			t.Errorf("%s: %d pods are meant", one.file, len(meant))
			continue
		}
		if _, ok := one.object.(*networkingv1.NetworkPolicy); ok {
			isolated[meant[0].file] = true
		}
		for _, port := range ports {
			if !hasPort(meant[0], port) {
				t.Errorf("%s: no port %q in %s", one.file, port, meant[0].file)
			}
		}
	}
	for _, p := range all {
		for _, container := range p.containers() {
			if serves(container) && !isolated[p.file] {
				t.Errorf("%s: no network policy", p.file)
			}
		}
	}
}
