/** First source file of the engine's executable with a guest's code in its programs (takeover.ts). */
import './takeover.ts';
import '../../../packaging/engine/main.ts';
