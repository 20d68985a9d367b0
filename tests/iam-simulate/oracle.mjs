// Answers policy questions with iam-simulate, for the differential test of keyferry's evaluator.
//
// Reads one case per line of standard input and writes one answer per line of standard output, in the
// same order: {"result": "Allowed" | "ExplicitlyDenied" | "ImplicitlyDenied"} or {"error": "..."}.
// iam-simulate is AGPL: it is run here, beside the tests, and is no part of keyferry.
//
// It is asked through the function that both its `runSimulation` and its `runUnsafeSimulation` call.
// The first drops every context key that its tables do not know for the action, and with them all of
// `kms:EncryptionContext:*`; the second fails on every resource policy, for want of a name.

import { createInterface } from 'node:readline';
import { loadPolicy } from '@cloud-copilot/iam-policy';
import { anonymousPrincipal } from '@cloud-copilot/iam-simulate';

const inside = (path) =>
    import(new URL(path, import.meta.resolve('@cloud-copilot/iam-simulate')).href);
const { authorize } = await inside('./core_engine/CoreSimulatorEngine.js');
const { AwsRequestImpl } = await inside('./request/request.js');
const { RequestContextImpl } = await inside('./requestContext.js');
const { DiscoveryContextKeyConstraints } = await inside('./context_keys/discoveryContextKeyConstraints.js');

const named = (policies) => policies.map((policy, index) => loadPolicy(policy, { name: `policy-${index}` }));
const levels = (policies) =>
    policies.map((level, index) => ({ orgIdentifier: `level-${index}`, policies: named(level) }));

const answer = (question) => {
    const { result } = authorize({
        request: new AwsRequestImpl(
            question.principal ?? anonymousPrincipal,
            { resource: question.resource, accountId: question.account },
            question.action,
            new RequestContextImpl(question.context),
        ),
        sessionPolicy: undefined,
        identityPolicies: named(question.identity),
        permissionBoundaries: question.boundary ? named([question.boundary]) : undefined,
        serviceControlPolicies: levels(question.serviceControl),
        resourceControlPolicies: levels(question.resourceControl),
        resourcePolicy: question.resourcePolicy ? named([question.resourcePolicy])[0] : undefined,
        vpcEndpointPolicies: undefined,
        simulationParameters: {
            simulationMode: 'Strict',
            discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]),
        },
        serviceSettings: {},
    });
    return { result };
};

for await (const line of createInterface({ input: process.stdin })) {
    let reply;
    try {
        reply = answer(JSON.parse(line));
    } catch (error) {
        reply = { error: String(error?.message ?? error) };
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
}
